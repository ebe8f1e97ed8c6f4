#include "server/admin/table_writer.hpp"

#include "protocol/assert.hpp"
#include "protocol/pg/frame.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace sluice::server {

namespace {

Format format_of(std::span<const Format> formats, std::size_t column) noexcept {
    if (formats.empty()) return Format::text;
    return formats.size() == 1 ? formats[0] : formats[column];
}

/// Bytes of a value in binary, -1 for those of variable length.
std::uint16_t size_of(ColumnType type) noexcept {
    switch (type) {
        case ColumnType::int8: return 8;
        case ColumnType::int4: return 4;
        case ColumnType::text: break;
    }
    return 0xffff;
}

void append_integer(wire::Writer& writer, ColumnType type, Format format, std::int64_t value) {
    if (type == ColumnType::int4) {
        using Limits = std::numeric_limits<std::int32_t>;
        value = std::clamp<std::int64_t>(value, Limits::min(), Limits::max());
    }
    if (format == Format::binary && type != ColumnType::text) {
        const auto bits = static_cast<std::uint64_t>(value);
        writer.u32(size_of(type));
        if (type == ColumnType::int8) writer.u32(static_cast<std::uint32_t>(bits >> 32U));
        writer.u32(static_cast<std::uint32_t>(bits));
        return;
    }
    std::array<char, 24> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
    writer.u32(static_cast<std::uint32_t>(text.size())).raw(text);
}

}  // namespace

void append_row_description(std::string& out, std::span<const Column> columns,
                            std::span<const Format> formats) {
    wire::Writer writer(out);
    writer.begin_frame(static_cast<char>(pg::BackendMessage::RowDescription));
    writer.u16(static_cast<std::uint16_t>(columns.size()));
    for (std::size_t at = 0; at < columns.size(); ++at) {
        // Of no table, no column number, no type modifier.
        writer.c_string(columns[at].name).u32(0).u16(0);
        writer.u32(static_cast<std::uint32_t>(columns[at].type)).u16(size_of(columns[at].type));
        writer.i32(-1).u16(static_cast<std::uint16_t>(format_of(formats, at)));
    }
    writer.end_frame();
}

void TableWriter::row(std::initializer_list<Cell> cells) {
    SLUICE_ASSERT(cells.size() == columns_.size());
    if (skip_ > 0) {
        --skip_;
        return;
    }
    if (written_ == max_) {
        has_more_ = true;
        return;
    }
    ++written_;
    wire::Writer writer(out_);
    writer.begin_frame(static_cast<char>(pg::BackendMessage::DataRow));
    writer.u16(static_cast<std::uint16_t>(cells.size()));
    std::size_t column = 0;
    for (const Cell& cell : cells) {
        if (const auto* text = std::get_if<std::string_view>(&cell.value_)) {
            SLUICE_ASSERT(columns_[column].type == ColumnType::text);
            writer.u32(static_cast<std::uint32_t>(text->size())).raw(*text);
        } else if (const auto* number = std::get_if<std::int64_t>(&cell.value_)) {
            append_integer(writer, columns_[column].type, format_of(formats_, column), *number);
        } else {
            writer.i32(-1);
        }
        ++column;
    }
    writer.end_frame();
}

}  // namespace sluice::server
