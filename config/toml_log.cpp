#include "config/keys.hpp"

#include <array>

namespace sluice::config {

std::span<const Key<Log>> log_keys() {
    static constexpr std::array keys{
        key<Log, &Log::level>("level"),
        key<Log, &Log::format>("format"),
        key<Log, &Log::log_connections>("log_connections"),
        key<Log, &Log::log_disconnections>("log_disconnections"),
    };
    return keys;
}

void read_log(const Table& table, const Reading& reading, Log& log) {
    read_section(table, "log", log_keys(), reading, log);
}

}  // namespace sluice::config
