#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice::resp {

/// The arguments of one request in array form, in order. Of a request that has not arrived in full
/// it reads those that have; of bytes that are no request, none.
class ArgumentReader {
  public:
    explicit ArgumentReader(wire::Bytes request) noexcept;

    /// As the request says; 0 for bytes that are no request.
    [[nodiscard]] std::uint32_t count() const noexcept { return count_; }
    [[nodiscard]] std::uint32_t left() const noexcept { return left_; }
    [[nodiscard]] std::optional<std::string_view> next() noexcept;
    /// What has arrived of the next one, where next() has none yet.
    [[nodiscard]] std::string_view begun() const noexcept;

  private:
    wire::Bytes rest_;
    std::uint32_t count_ = 0;
    std::uint32_t left_ = 0;
};

/// Writes requests in array form.
void begin_request(std::string& out, std::size_t argument_count);
void append_argument(std::string& out, std::string_view argument);
template <typename... Arguments>
void append_request(std::string& out, const Arguments&... arguments) {
    begin_request(out, sizeof...(arguments));
    (append_argument(out, arguments), ...);
}

/// Whether two words are one when the case of ASCII letters is no matter. `lower` is in lower case.
[[nodiscard]] bool is_word(std::string_view word, std::string_view lower) noexcept;

}  // namespace sluice::resp
