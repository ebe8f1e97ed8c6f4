#pragma once

#include "protocol/resp/client_session.hpp"

namespace sluice::resp {

/// One request while ClientSession decides about it. Only for its own sources.
struct ClientSession::Asked {
    wire::Bytes request;    ///< In array form.
    ArgumentReader rest;    ///< Behind the name, and behind the subcommand's.
    std::string_view name;  ///< As the client wrote it.
    const CommandRow* row = nullptr;
    const Situation& at;
    const SessionTerms& terms;
    const ClientFacts& facts;
    std::string& out;
    std::size_t out_bytes_before = 0;
};

inline constexpr std::string_view behind_subscriptions =
    "ERR sluice: not while subscribed; unsubscribe or connect anew";

/// What HELLO asks for besides a version.
struct HelloOptions {
    bool has_login = false;
    std::string_view user;
    std::string_view password;
    std::optional<std::string_view> name;
};

}  // namespace sluice::resp
