#include "config/keys.hpp"

#include <array>

namespace sluice::config {

namespace {

/// One TCP address. Empty text switches the listener off.
bool take_admin_listen(const Found& found, Admin& admin) {
    const auto* text = std::get_if<std::string>(&found.value.content);
    constexpr const char* wanted = "wanted an address such as \"127.0.0.1:9632\", or \"\" for none";
    if (text == nullptr)
        return found.reject(std::string(wanted) + ", found " + kind_of(found.value));
    if (text->empty()) {
        admin.listen.reset();
        return true;
    }
    auto address = parse_listen_address(*text);
    if (!address || address->kind != ListenAddress::Kind::tcp) return found.reject(wanted);
    admin.listen = std::move(*address);
    return true;
}

std::string show_admin_listen(const Admin& admin) {
    return admin.listen ? show(*admin.listen) : std::string();
}

}  // namespace

std::span<const Key<Admin>> admin_keys() {
    static constexpr std::array keys{
        Key<Admin>{"listen", {}, take_admin_listen, show_admin_listen},
    };
    return keys;
}

void read_admin(const Table& table, const Reading& reading, Admin& admin) {
    read_section(table, "admin", admin_keys(), reading, admin);
}

}  // namespace sluice::config
