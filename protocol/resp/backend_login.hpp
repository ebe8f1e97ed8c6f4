#pragma once

#include "protocol/resp/reply_scanner.hpp"
#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::resp {

/// As whom, and into which state, a backend logs in. Every client that shares it finds it so.
struct BackendIdentity {
    std::string user;      ///< Empty: the default user.
    std::string password;  ///< Empty: none is sent.
    std::uint32_t database = 0;
    RespVersion version = RespVersion::resp2;
    std::string name;  ///< For CLIENT LIST of the server; empty: none.
    bool operator==(const BackendIdentity&) const = default;
};

/// Whether a login also asks which commands there are.
enum class CommandsAsked : std::uint8_t { no, yes };

/// The talk before a backend's first request: HELLO with AUTH, SELECT, CLIENT SETNAME, and COMMAND
/// where it is asked for, in one send; for a user by name also MULTI and EXEC. A held block is sent
/// blindly: without the right to MULTI its commands would run one by one.
/// Each answer is looked at, since what is refused here would silently hold for every client.
class BackendLogin {
  public:
    explicit BackendLogin(const BackendIdentity& identity,
                          CommandsAsked commands = CommandsAsked::no) noexcept
        : identity_(identity), commands_asked_(commands) {}

    void start(std::string& out);

    struct Step {
        enum class Kind : std::uint8_t {
            read_more,
            ready,
            rejected,     ///< The server's verdict, which holds for everybody: `error`.
            unavailable,  ///< The server cannot serve now: `error`.
            violation,
        };
        Kind kind = Kind::read_more;
        std::size_t bytes = 0;  ///< Consumed.
        std::string error;      ///< The server's words, without the dash.
    };
    [[nodiscard]] Step received(wire::Bytes available);

    /// As the server said in its answer to HELLO; empty when it does not know HELLO.
    [[nodiscard]] const std::string& server_version() const noexcept { return server_version_; }

    /// Not empty: why this user can have no MULTI, in the server's words.
    [[nodiscard]] const std::string& block_refusal() const noexcept { return block_refusal_; }

    [[nodiscard]] CommandsAsked commands_asked() const noexcept { return commands_asked_; }
    /// The answer to COMMAND; empty when the server refuses one.
    [[nodiscard]] const std::string& commands() const noexcept { return commands_; }

    /// Of one answer in this talk, and of that to COMMAND, which in Redis 7.0 takes 60 KiB.
    static constexpr std::size_t answer_bytes_max = 16'384;
    static constexpr std::size_t commands_bytes_max = 4U * 1024 * 1024;

  private:
    enum class Asked : std::uint8_t { hello, select, name, multi, exec, commands, done };

    [[nodiscard]] Asked next() const noexcept;
    [[nodiscard]] bool answered(wire::Bytes reply, Step& step);

    const BackendIdentity& identity_;
    ReplyScanner scanner_;
    std::string answer_;  ///< Of what has come of it.
    std::string server_version_;
    std::string block_refusal_;
    std::string commands_;
    CommandsAsked commands_asked_;
    Asked awaited_ = Asked::hello;
};

}  // namespace sluice::resp
