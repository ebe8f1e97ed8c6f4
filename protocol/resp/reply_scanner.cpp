#include "protocol/resp/reply_scanner.hpp"

#include "protocol/resp/length_line.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::resp {

namespace {

using Event = ReplyScan::Event;

/// Far beyond any reply there is, and small enough that no sum of them overflows.
constexpr std::int64_t length_max = std::int64_t{1} << 40;
constexpr std::uint64_t elements_max = std::uint64_t{1} << 50;

bool is_line(char type) noexcept {
    return type == '+' || type == '-' || type == ':' || type == '_' || type == '#' || type == ',' ||
           type == '(';
}
bool is_bulk(char type) noexcept {
    return type == '$' || type == '!' || type == '=';
}
bool is_aggregate(char type) noexcept {
    return type == '*' || type == '%' || type == '~' || type == '|' || type == '>';
}

}  // namespace

ReplyScan ReplyScanner::next(wire::Bytes available) noexcept {
    std::size_t at = 0;
    while (at < available.size()) {
        switch (phase_) {
            case Phase::header: {
                const std::size_t before = at;
                if (!read_header(available, at)) {
                    phase_ = Phase::broken;
                    return {Event::violation, 0};
                }
                if (at == before) return {Event::part, at};
                break;
            }
            case Phase::broken: return {Event::violation, 0};
            case Phase::line: at += skip_line(available.subspan(at)); break;
            case Phase::bulk: {
                const std::uint64_t part =
                    std::min<std::uint64_t>(bulk_left_, available.size() - at);
                if (in_error_) {
                    keep_error(available.subspan(at, static_cast<std::size_t>(part)));
                }
                at += static_cast<std::size_t>(part);
                bulk_left_ -= part;
                if (bulk_left_ == 0) {
                    phase_ = Phase::header;
                    end_value();
                }
                break;
            }
        }
        if (elements_left_ == 0) return {is_push_ ? Event::push : Event::reply, at};
    }
    return {Event::part, at};
}

void ReplyScanner::begin_value(char type) noexcept {
    in_error_ = type == '-' || type == '!';
    if (in_error_) error_bytes_ = 0;
    if (elements_left_ > 0) return;
    elements_left_ = 1;
    is_push_ = type == '>';
    is_error_ = in_error_;
    inner_oom_count_ = 0;
}

void ReplyScanner::end_value() noexcept {
    --elements_left_;
    if (in_error_ && !is_error_ && !is_push_ && error_text().starts_with("OOM ")) {
        ++inner_oom_count_;
    }
}

/// Takes the header at `at`, if it is all there. False: it is none.
bool ReplyScanner::read_header(wire::Bytes available, std::size_t& at) noexcept {
    const char type = static_cast<char>(available[at]);
    if (is_line(type)) {
        begin_value(type);
        phase_ = Phase::line;
        ++at;
        return true;
    }
    // A push stands between replies, never within one.
    if (!is_bulk(type) && !is_aggregate(type)) return false;
    if (type == '>' && elements_left_ > 0) return false;
    const LengthLine line = read_length_line(available, at + 1);
    if (line.state == LengthLine::State::incomplete) return true;
    if (line.state == LengthLine::State::invalid || line.value < -1 || line.value > length_max) {
        return false;
    }
    // -1 is the null of RESP2, of a bulk and of an array.
    if (line.value == -1 && type != '$' && type != '*') return false;
    begin_value(type);
    at += 1 + line.bytes;
    if (line.value == -1) {
        --elements_left_;
        return true;
    }
    if (is_bulk(type)) {
        bulk_left_ = static_cast<std::uint64_t>(line.value) + 2;
        phase_ = Phase::bulk;
        return true;
    }
    return begin_aggregate(type, line.value);
}

bool ReplyScanner::begin_aggregate(char type, std::int64_t count) noexcept {
    const bool pairs = type == '%' || type == '|';
    const std::uint64_t elements = static_cast<std::uint64_t>(count) * (pairs ? 2 : 1);
    elements_left_ += elements;
    // An attribute comes before the value it speaks of, and is none itself.
    if (type != '|') --elements_left_;
    return elements_left_ <= elements_max;
}

std::size_t ReplyScanner::skip_line(wire::Bytes available) noexcept {
    const void* const feed = std::memchr(available.data(), '\n', available.size());
    const std::size_t bytes =
        feed == nullptr
            ? available.size()
            : static_cast<std::size_t>(static_cast<const std::byte*>(feed) - available.data()) + 1;
    if (in_error_) keep_error(available.first(bytes));
    if (feed != nullptr) {
        phase_ = Phase::header;
        end_value();
    }
    return bytes;
}

void ReplyScanner::keep_error(wire::Bytes part) noexcept {
    const std::size_t room = error_.size() - error_bytes_;
    const std::size_t bytes = std::min(room, part.size());
    std::memcpy(error_.data() + error_bytes_, part.data(), bytes);
    error_bytes_ = static_cast<std::uint8_t>(error_bytes_ + bytes);
}

}  // namespace sluice::resp
