#include "config/keys.hpp"

#include <array>

namespace sluice::config {

namespace {

/// `section` is how the title is written where it is a database or a user of any name.
template <class Section>
void read_state(const Entry& entry, const std::string& title, const std::string& section,
                std::span<const Key<Section>> keys, const Reading& reading, Section& target) {
    const auto* table = std::get_if<Table>(&entry.value.content);
    const auto path = title + "." + entry.key;
    if (table == nullptr) {
        reading.error(entry.value.place,
                      path + ": wanted a section [" + path + "], found " + kind_of(entry.value));
        return;
    }
    reading.places.record(path, entry.place);
    for (const auto& item : *table) {
        if (!read_entry(item, path + "." + item.key, keys, reading, target)) {
            reject_unknown(item, section + "." + entry.key, reading);
        }
    }
}

/// The same keys for what holds and for what overrides it.
template <class State>
constexpr auto keys_of() {
    return std::array{
        key<State, &State::set>("set"),
        key<State, &State::role>("role"),
        key<State, &State::listen>("listen"),
        key<State, &State::temporary_table>("temporary_table"),
        key<State, &State::advisory_lock>("advisory_lock"),
        key<State, &State::with_hold>("with_hold"),
        key<State, &State::sql_prepare>("sql_prepare"),
        key<State, &State::code>("code"),
    };
}

}  // namespace

std::span<const Key<SessionState>> session_state_keys() {
    static constexpr auto keys = keys_of<SessionState>();
    return keys;
}

std::span<const Key<SessionStateOverrides>> session_state_override_keys() {
    static constexpr auto keys = keys_of<SessionStateOverrides>();
    return keys;
}

void read_session_state(const Entry& entry, const Reading& reading, SessionState& state) {
    read_state(entry, "postgres", "postgres", session_state_keys(), reading, state);
}

void read_session_state(const Entry& entry, const std::string& title, const std::string& section,
                        const Reading& reading, SessionStateOverrides& state) {
    read_state(entry, title, section, session_state_override_keys(), reading, state);
}

}  // namespace sluice::config
