#include "server/admin/socket_columns.hpp"

#include <array>
#include <charconv>
#include <cstdio>

namespace sluice::server {

SocketColumns socket_columns(std::string_view address) noexcept {
    const std::size_t end = address.find_last_not_of("0123456789");
    if (end == std::string_view::npos) return {address, 0};
    std::uint16_t port = 0;
    const std::string_view digits = address.substr(end + 1);
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (address == "unix" || address.starts_with("unix:")) {
        return {"unix", address[end] == '.' ? port : std::uint16_t{0}};
    }
    if (address[end] != ':' || digits.empty()) return {address, 0};
    std::string_view host = address.substr(0, end);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    return {host, port};
}

std::string timestamp_text(std::chrono::system_clock::time_point time) {
    using std::chrono::floor;
    const auto day = floor<std::chrono::days>(time);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss clock(floor<std::chrono::seconds>(time - day));
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), "%04d-%02u-%02u %02d:%02d:%02d UTC",
                  static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                  static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                  static_cast<int>(clock.minutes().count()),
                  static_cast<int>(clock.seconds().count()));
    return text.data();
}

std::string pointer_text(std::uint64_t id) {
    if (id == 0) return {};
    std::array<char, 24> digits{};
    const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), id, 16).ptr;
    return "0x" + std::string(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace sluice::server
