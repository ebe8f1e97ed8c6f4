#include "protocol/resp/request_scanner.hpp"

#include "protocol/resp/length_line.hpp"

#include <algorithm>
#include <cstring>

namespace sluice::resp {

namespace {

using Event = RequestScan::Event;

RequestScan violation(ProtocolFault fault, char found = '\0') noexcept {
    return {Event::violation, 0, fault, found};
}

/// A line that is no length is judged when it has ended, or when it will not end. Source: Redis
/// 7.0, which looks for the line's end before all else.
RequestScan judge_line(wire::Bytes line, ProtocolFault fault, ProtocolFault endless,
                       char found = '\0') noexcept {
    constexpr std::size_t line_bytes_max = 64U * 1024;
    const void* const end = std::memchr(line.data(), '\r', line.size());
    if (end == nullptr) return line.size() > line_bytes_max ? violation(endless) : RequestScan{};
    const bool has_ended = end != &line.back();
    return has_ended ? violation(fault, found) : RequestScan{};
}

/// The bytes of the request at the front if it is there in full and breaks no rule, as nearly all
/// are and do; 0 leaves it to be looked at step by step.
std::size_t whole_request_bytes(wire::Bytes available, const RequestLimits& limits) noexcept {
    if (available[0] != std::byte{'*'}) return 0;
    const LengthLine count = read_length_line(available, 1);
    const bool counted = count.state == LengthLine::State::read && count.value > 0;
    if (!counted || count.value > limits.arguments_max) return 0;
    std::size_t at = 1 + count.bytes;
    for (std::int64_t left = count.value; left > 0; --left) {
        if (at == available.size() || available[at] != std::byte{'$'}) return 0;
        const LengthLine line = read_length_line(available, at + 1);
        if (line.state != LengthLine::State::read || line.value < 0) return 0;
        const auto bytes = static_cast<std::uint64_t>(line.value);
        at += 1 + line.bytes;
        if (bytes > limits.bulk_bytes_max || bytes + 2 > available.size() - at) return 0;
        at += static_cast<std::size_t>(bytes);
        if (available[at] != std::byte{'\r'} || available[at + 1] != std::byte{'\n'}) return 0;
        at += 2;
    }
    return at;
}

}  // namespace

RequestScan RequestScanner::scan(wire::Bytes available, const RequestLimits& limits,
                                 LoginState login) {
    if (phase_ == Phase::start && login == LoginState::done && !available.empty()) {
        if (const std::size_t bytes = whole_request_bytes(available, limits); bytes > 0) {
            at_ = bytes;
            phase_ = Phase::bulk;
            return {Event::complete, at_};
        }
    }
    while (at_ < available.size()) {
        switch (phase_) {
            case Phase::start:
                if (available[0] != std::byte{'*'}) {
                    phase_ = Phase::line;
                    break;
                }
                if (const RequestScan scan = scan_count(available, limits, login);
                    scan.event != Event::incomplete || phase_ == Phase::start) {
                    return scan;
                }
                break;
            case Phase::line: return scan_line(available, limits);
            case Phase::bulk_header:
                if (const RequestScan scan = scan_bulk_header(available, limits, login);
                    scan.event != Event::incomplete || phase_ == Phase::bulk_header) {
                    return scan;
                }
                break;
            case Phase::bulk:
                if (available.size() - at_ < 2) return {};
                if (!bulk_ends(available)) return violation(ProtocolFault::bulk_without_end);
                at_ += 2;
                if (--arguments_left_ == 0) return {Event::complete, at_};
                phase_ = Phase::bulk_header;
                break;
        }
    }
    return {};
}

RequestScan RequestScanner::scan_line(wire::Bytes available, const RequestLimits& limits) {
    const void* const end = std::memchr(available.data() + at_, '\n', available.size() - at_);
    if (end == nullptr) {
        at_ = available.size();
        if (at_ > limits.inline_bytes_max) {
            return violation(ProtocolFault::too_big_inline_request);
        }
        return {};
    }
    at_ = static_cast<std::size_t>(static_cast<const std::byte*>(end) - available.data()) + 1;
    if (at_ > limits.inline_bytes_max + 1U) {
        return violation(ProtocolFault::too_big_inline_request);
    }
    return {Event::inline_line, at_};
}

RequestScan RequestScanner::scan_count(wire::Bytes available, const RequestLimits& limits,
                                       LoginState login) {
    const LengthLine line = read_length_line(available, 1);
    if (line.state == LengthLine::State::incomplete) return {};
    if (line.state == LengthLine::State::invalid || line.value > limits.arguments_max) {
        return judge_line(available, ProtocolFault::invalid_multibulk_length,
                          ProtocolFault::too_big_multibulk_line);
    }
    if (login == LoginState::required &&
        line.value > RequestLimits::unauthenticated_arguments_max) {
        return violation(ProtocolFault::unauthenticated_multibulk_length);
    }
    at_ = 1 + line.bytes;
    if (line.value <= 0) return {Event::empty, at_};
    arguments_left_ = static_cast<std::uint32_t>(line.value);
    phase_ = Phase::bulk_header;
    return {};
}

RequestScan RequestScanner::scan_bulk_header(wire::Bytes available, const RequestLimits& limits,
                                             LoginState login) {
    if (available[at_] != std::byte{'$'}) {
        return judge_line(available.subspan(at_), ProtocolFault::expected_dollar,
                          ProtocolFault::too_big_bulk_line, static_cast<char>(available[at_]));
    }
    const LengthLine line = read_length_line(available, at_ + 1);
    if (line.state == LengthLine::State::incomplete) return {};
    if (line.state == LengthLine::State::invalid || line.value < 0 ||
        static_cast<std::uint64_t>(line.value) > limits.bulk_bytes_max) {
        return judge_line(available.subspan(at_), ProtocolFault::invalid_bulk_length,
                          ProtocolFault::too_big_bulk_line);
    }
    const auto bytes = static_cast<std::uint64_t>(line.value);
    if (login == LoginState::required && bytes > RequestLimits::unauthenticated_bulk_bytes_max) {
        return violation(ProtocolFault::unauthenticated_bulk_length);
    }
    at_ += 1 + line.bytes + static_cast<std::size_t>(bytes);
    phase_ = Phase::bulk;
    return {};
}

bool RequestScanner::bulk_ends(wire::Bytes available) const noexcept {
    return available[at_] == std::byte{'\r'} && available[at_ + 1] == std::byte{'\n'};
}

}  // namespace sluice::resp
