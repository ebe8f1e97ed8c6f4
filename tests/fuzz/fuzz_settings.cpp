// Whatever a settings file, a URL, a users file or --set may hold: read, never crashed on. The
// first byte chooses the reader. Input that names files is passed over, for it would be read.

#include "config/load.hpp"
#include "config/users_file.hpp"

#include <cstddef>
#include <cstdint>
#include <string_view>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    if (text.find("file") != std::string_view::npos) return 0;
    switch (data[0] % 4) {
        case 0: static_cast<void>(sluice::config::load_text(text, "fuzz.toml")); break;
        case 1:
            static_cast<void>(sluice::config::load_postgres_url(text));
            static_cast<void>(sluice::config::load_urls(std::nullopt, std::string(text)));
            break;
        case 2: static_cast<void>(sluice::config::parse_users(text, "users.txt")); break;
        default: {
            const std::size_t equals = text.find('=');
            if (equals == std::string_view::npos) return 0;
            const sluice::config::Assignment assignment{std::string(text.substr(0, equals)),
                                                        std::string(text.substr(equals + 1))};
            static_cast<void>(sluice::config::load_text({}, "fuzz.toml", {&assignment, 1}));
        }
    }
    return 0;
}
