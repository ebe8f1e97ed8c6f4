#pragma once

#include "protocol/wire/writer.hpp"

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace sluice::server {

/// Object ids of the types the console uses. Source: PostgreSQL 15 manual, "pg_type".
enum class ColumnType : std::uint32_t { int8 = 20, int4 = 23, text = 25 };

struct Column {
    std::string_view name;
    ColumnType type = ColumnType::text;
};

/// How a client wants a column's values. Source: PostgreSQL 15 manual, "Message Flow",
/// "Formats and Format Codes".
enum class Format : std::uint16_t { text = 0, binary = 1 };

/// One value of a row; a view, so that a row can be written without being built.
class Cell {
  public:
    Cell(std::nullptr_t) noexcept {}  // NOLINT(google-explicit-constructor): rows read as lists.
    // NOLINTNEXTLINE(google-explicit-constructor): as above.
    Cell(std::string_view text) noexcept : value_(text) {}
    Cell(const std::string& text) noexcept  // NOLINT(google-explicit-constructor): as above.
        : value_(std::string_view(text)) {}
    Cell(const char* text) noexcept  // NOLINT(google-explicit-constructor): as above.
        : value_(std::string_view(text)) {}
    template <std::integral Number>
    Cell(Number number) noexcept  // NOLINT(google-explicit-constructor): as above.
        : value_(std::in_range<std::int64_t>(number) ? static_cast<std::int64_t>(number)
                                                     : std::numeric_limits<std::int64_t>::max()) {}

  private:
    friend class TableWriter;
    std::variant<std::monostate, std::string_view, std::int64_t> value_;
};

void append_row_description(std::string& out, std::span<const Column> columns,
                            std::span<const Format> formats);

/// Writes the rows of one table as DataRow frames, or a stretch of them: a client may ask for a
/// few rows at a time.
class TableWriter {
  public:
    /// Formats as in a Bind message: none stands for text, one for every column.
    TableWriter(std::string& out, std::span<const Column> columns,
                std::span<const Format> formats = {}, std::size_t skip = 0,
                std::size_t row_count_max = std::numeric_limits<std::size_t>::max()) noexcept
        : out_(out), columns_(columns), formats_(formats), skip_(skip), max_(row_count_max) {}

    /// One value a column.
    void row(std::initializer_list<Cell> cells);

    [[nodiscard]] std::size_t written_count() const noexcept { return written_; }
    /// True when there were more rows than could be written.
    [[nodiscard]] bool has_more() const noexcept { return has_more_; }

  private:
    std::string& out_;
    std::span<const Column> columns_;
    std::span<const Format> formats_;
    std::size_t skip_;
    std::size_t max_;
    std::size_t written_ = 0;
    bool has_more_ = false;
};

}  // namespace sluice::server
