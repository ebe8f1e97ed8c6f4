#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

namespace {

void read_user(const std::string& name, const Table& table, const Reading& reading, Draft& draft) {
    auto& target = draft.users[name];
    const std::string title = "postgres.users." + name;
    for (const auto& entry : table) {
        const auto path = title + "." + entry.key;
        if (name == "*" && entry.key == "password") {
            reading.error(entry.place, path +
                                           ": the users that `*` stands for cannot share one "
                                           "password; list them, here or in a users_file");
        } else if (entry.key == "session_state") {
            read_session_state(entry, title, "postgres.users.NAME", reading,
                               target.user.overrides.session_state);
        } else if (!read_entry(entry, path, user_keys(), reading, target) &&
                   !read_entry(entry, path, override_keys(), reading, target.user.overrides)) {
            reject_unknown(entry, "postgres.users.NAME", reading);
        }
    }
}

}  // namespace

std::span<const Key<UserDraft>> user_keys() {
    using U = UserDraft;
    static constexpr std::array keys{
        key<U, &U::user, &User::password>("password"),
        key<U, &U::max_user_connections>("max_user_connections", backend_count_range),
        key<U, &U::max_user_client_connections>("max_user_client_connections", client_count_range),
    };
    return keys;
}

void read_users(const Entry& entry, const Reading& reading, Draft& draft) {
    read_named(entry, "postgres.users", "user", reading, draft, read_user);
}

}  // namespace sluice::config
