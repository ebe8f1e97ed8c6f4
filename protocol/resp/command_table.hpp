#pragma once

#include "protocol/wire/cursor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sluice::resp {

/// What becomes of a command.
enum class CommandWay : std::uint8_t {
    shared,               ///< Between other clients' commands, on a shared backend.
    blocking,             ///< On a pinned backend until its reply.
    blocking_on_request,  ///< Likewise, if it has the argument BLOCK; else shared.
    subscriber,           ///< From here on the backend is the client's until its end.
    session,              ///< Likewise: keeps state that no one else may meet.
    info,                 ///< Shared; its answer has a section of this program's.
    control,              ///< On the control connection, since it is to end what others wait for.
    container,            ///< Its first argument decides.
    ping,
    echo,
    auth,
    hello,
    select,
    quit,
    reset,
    client,  ///< A CLIENT command that speaks of this program's clients.
    multi,
    exec,
    discard,
    watch,
    unwatch,
    config_get,        ///< Shared, for what is no secret.
    cluster_disabled,  ///< Answered as a server outside of a cluster does.
    never,             ///< Refused, whatever the settings say.
};

/// Bits of CommandRow::flags: the server's own flags, those ACL categories that matter here, and
/// whether it is refused unless the settings allow it.
enum class CommandFlag : std::uint16_t {
    none = 0,
    write = 1U << 0U,
    readonly = 1U << 1U,
    denyoom = 1U << 2U,
    noscript = 1U << 3U,
    no_auth = 1U << 4U,  ///< Allowed before a login.
    movablekeys = 1U << 5U,
    no_multi = 1U << 6U,
    admin = 1U << 7U,
    dangerous = 1U << 8U,
    pubsub = 1U << 9U,
    refused = 1U << 10U,
    slow = 1U << 11U,  ///< Its reply, or the time to it, grows with what others have stored.
};
[[nodiscard]] constexpr CommandFlag operator|(CommandFlag left, CommandFlag right) noexcept {
    return static_cast<CommandFlag>(static_cast<unsigned>(left) | static_cast<unsigned>(right));
}

/// Where the keys stand among the arguments; all zero without any. A negative `last` counts from
/// the end.
struct KeyPlaces {
    std::int8_t first = 0;
    std::int8_t last = 0;
    std::int8_t step = 0;
};

struct CommandRow {
    std::string_view name;  ///< In lower case; of a subcommand both words.
    std::int8_t arity;      ///< Arguments with the name; negative: at least so many.
    CommandWay way;
    CommandFlag flags;
    KeyPlaces keys;
    /// Bits by command_categories.hpp, as the server has it; 0: it was not asked yet.
    std::uint32_t categories = 0;

    [[nodiscard]] bool has(CommandFlag flag) const noexcept {
        return (static_cast<unsigned>(flags) & static_cast<unsigned>(flag)) != 0;
    }
    [[nodiscard]] bool takes(std::uint32_t argument_count) const noexcept {
        return arity >= 0 ? argument_count == static_cast<std::uint32_t>(arity)
                          : argument_count >= static_cast<std::uint32_t>(-arity);
    }
};

/// Finds commands by name, whatever their case. What is not in it is unknown, and refused.
/// Immutable once made, so that all workers share one.
class CommandTable {
  public:
    /// The rows outlive the table.
    CommandTable(std::span<const CommandRow> commands, std::span<const CommandRow> subcommands);

    /// Null when there is no such command.
    [[nodiscard]] const CommandRow* find(std::string_view name) const noexcept;
    /// Of a container; null when it has no such subcommand.
    [[nodiscard]] const CommandRow* find(const CommandRow& container,
                                         std::string_view subcommand) const noexcept;
    /// A number for each row, below size().
    [[nodiscard]] std::size_t index_of(const CommandRow& row) const noexcept;
    [[nodiscard]] std::size_t size() const noexcept {
        return commands_.size() + subcommands_.size();
    }
    [[nodiscard]] const CommandRow& at(std::size_t index) const noexcept {
        return index < commands_.size() ? commands_[index] : subcommands_[index - commands_.size()];
    }

    static constexpr std::size_t name_bytes_max = 40;

  private:
    [[nodiscard]] const CommandRow* find_lower(std::string_view name,
                                               std::uint32_t hash) const noexcept;

    std::span<const CommandRow> commands_;
    std::span<const CommandRow> subcommands_;
    std::vector<std::uint16_t> slots_;  ///< Index + 1 by hash, open addressing. 0: free.
};

/// The commands of Redis 7.0, which this program knows without asking.
[[nodiscard]] const CommandTable& known_commands();
[[nodiscard]] std::span<const CommandRow> known_command_rows() noexcept;
[[nodiscard]] std::span<const CommandRow> known_subcommand_rows() noexcept;

}  // namespace sluice::resp
