#include "protocol/resp/request.hpp"

#include "protocol/resp/length_line.hpp"

#include <algorithm>

namespace sluice::resp {

ArgumentReader::ArgumentReader(wire::Bytes request) noexcept {
    if (request.empty() || request[0] != std::byte{'*'}) return;
    const LengthLine line = read_length_line(request, 1);
    if (line.state != LengthLine::State::read || line.value <= 0 || line.value > 0x7fffffff) return;
    rest_ = request.subspan(1 + line.bytes);
    count_ = static_cast<std::uint32_t>(line.value);
    left_ = count_;
}

std::optional<std::string_view> ArgumentReader::next() noexcept {
    if (left_ == 0 || rest_.empty() || rest_[0] != std::byte{'$'}) return std::nullopt;
    const LengthLine line = read_length_line(rest_, 1);
    if (line.state != LengthLine::State::read || line.value < 0) return std::nullopt;
    const wire::Bytes body = rest_.subspan(1 + line.bytes);
    const auto bytes = static_cast<std::size_t>(line.value);
    if (body.size() < 2 || body.size() - 2 < bytes) return std::nullopt;
    rest_ = body.subspan(bytes + 2);
    --left_;
    return wire::as_text(body.first(bytes));
}

std::string_view ArgumentReader::begun() const noexcept {
    if (left_ == 0 || rest_.empty() || rest_[0] != std::byte{'$'}) return {};
    const LengthLine line = read_length_line(rest_, 1);
    if (line.state != LengthLine::State::read || line.value < 0) return {};
    const wire::Bytes body = rest_.subspan(1 + line.bytes);
    return wire::as_text(body.first(std::min(body.size(), static_cast<std::size_t>(line.value))));
}

void begin_request(std::string& out, std::size_t argument_count) {
    out += '*';
    out += std::to_string(argument_count);
    out += "\r\n";
}

void append_argument(std::string& out, std::string_view argument) {
    out += '$';
    out += std::to_string(argument.size());
    out += "\r\n";
    out += argument;
    out += "\r\n";
}

bool is_word(std::string_view word, std::string_view lower) noexcept {
    if (word.size() != lower.size()) return false;
    for (std::size_t index = 0; index < word.size(); ++index) {
        const char letter = word[index];
        const bool upper = letter >= 'A' && letter <= 'Z';
        if ((upper ? static_cast<char>(letter + ('a' - 'A')) : letter) != lower[index])
            return false;
    }
    return true;
}

}  // namespace sluice::resp
