#include "protocol/resp/value_reader.hpp"

#include "protocol/resp/length_line.hpp"
#include "protocol/resp/reply_scanner.hpp"

namespace sluice::resp {

namespace {

/// The number behind the type byte at the front, or nothing.
std::optional<LengthLine> number_at(wire::Bytes rest) noexcept {
    const LengthLine line = read_length_line(rest, 1);
    if (line.state != LengthLine::State::read) return std::nullopt;
    return line;
}

}  // namespace

std::optional<std::uint64_t> ValueReader::aggregate() noexcept {
    if (rest_.empty()) return std::nullopt;
    const char type = static_cast<char>(rest_[0]);
    const auto line = number_at(rest_);
    if ((type != '*' && type != '~' && type != '>') || !line || line->value < 0) {
        rest_ = {};
        return std::nullopt;
    }
    rest_ = rest_.subspan(1 + line->bytes);
    return static_cast<std::uint64_t>(line->value);
}

std::optional<std::string_view> ValueReader::text() noexcept {
    if (rest_.empty()) return std::nullopt;
    const std::string_view all = wire::as_text(rest_);
    if (all.front() == '+') {
        const std::size_t end = all.find("\r\n");
        if (end != std::string_view::npos) {
            rest_ = rest_.subspan(end + 2);
            return all.substr(1, end - 1);
        }
    }
    const auto line = all.front() == '$' ? number_at(rest_) : std::nullopt;
    if (!line || line->value < 0) {
        rest_ = {};
        return std::nullopt;
    }
    const wire::Bytes body = rest_.subspan(1 + line->bytes);
    const auto bytes = static_cast<std::size_t>(line->value);
    if (body.size() < 2 || body.size() - 2 < bytes) {
        rest_ = {};
        return std::nullopt;
    }
    rest_ = body.subspan(bytes + 2);
    return wire::as_text(body.first(bytes));
}

std::optional<std::int64_t> ValueReader::integer() noexcept {
    if (rest_.empty()) return std::nullopt;
    const auto line = rest_[0] == std::byte{':'} ? number_at(rest_) : std::nullopt;
    if (!line) {
        rest_ = {};
        return std::nullopt;
    }
    rest_ = rest_.subspan(1 + line->bytes);
    return line->value;
}

bool ValueReader::skip() noexcept {
    ReplyScanner scanner;
    const ReplyScan scan = scanner.next(rest_);
    const bool whole =
        scan.event == ReplyScan::Event::reply || scan.event == ReplyScan::Event::push;
    rest_ = whole ? rest_.subspan(scan.bytes) : wire::Bytes{};
    return whole;
}

}  // namespace sluice::resp
