#include "config/keys.hpp"
#include "config/limits.hpp"

#include <array>

namespace sluice::config {

std::span<const Key<Server>> server_keys() {
    static constexpr std::array keys{
        key<Server, &Server::workers>("workers", {0, worker_count_max}),
        key<Server, &Server::max_backends>("max_backends", {0, 1'000'000}),
        key<Server, &Server::buffer_memory_max>("buffer_memory_max", {1ULL << 20, 1ULL << 44}),
        key<Server, &Server::shutdown_timeout>("shutdown_timeout"),
    };
    return keys;
}

void read_server(const Table& table, const Reading& reading, Server& server) {
    read_section(table, "server", server_keys(), reading, server);
}

}  // namespace sluice::config
