#pragma once

#include "protocol/resp/request.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sluice::resp {

/// As CLIENT LIST and CLIENT KILL sort clients. None of ours is a master or a replica.
enum class ClientType : std::uint8_t { normal, pubsub, none_of_ours };

/// Which clients CLIENT LIST shows, or CLIENT KILL ends. Nothing said: all of them.
struct ClientFilter {
    /// What one client is, as far as a filter asks.
    struct Candidate {
        std::uint64_t id = 0;
        std::string_view address;
        std::string_view local_address;
        std::string_view user;
        std::uint64_t age_seconds = 0;
        ClientType type = ClientType::normal;
    };

    std::vector<std::uint64_t> ids;  ///< Empty: whichever.
    std::optional<std::string> address;
    std::optional<std::string> local_address;
    std::optional<std::string> user;
    std::optional<ClientType> type;
    std::uint64_t age_seconds_min = 0;
    bool spares_asker = true;  ///< KILL does not end who asks, unless told to.
    bool by_address = false;   ///< KILL in its old form, which answers OK rather than a number.

    /// `arguments` stands behind the subcommand. Not empty: the error, in the server's words.
    [[nodiscard]] std::string read_list(ArgumentReader arguments);
    [[nodiscard]] std::string read_kill(ArgumentReader arguments);

    [[nodiscard]] bool matches(const Candidate& candidate) const;
};

}  // namespace sluice::resp
