#pragma once

#include "protocol/resp/command_table.hpp"
#include "protocol/wire/cursor.hpp"

#include <deque>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sluice::resp {

/// The commands of one server, modules' included, by its answer to COMMAND: counts of arguments,
/// flags and keys are the server's. What becomes of a command is ours where we know it; where we do
/// not, its flags decide, and whatever they do not show to be harmless is refused unless the
/// settings allow it, and then has a backend of its own.
///
/// Immutable, so that all workers share one.
class CommandCatalogue {
  public:
    /// Null when the bytes are no such answer in full, of either version of RESP.
    [[nodiscard]] static std::shared_ptr<const CommandCatalogue> of(wire::Bytes answer);

    [[nodiscard]] const CommandTable& table() const noexcept { return table_; }

    /// An answer with more is none. Redis 7.0 has 366, with many modules some 800.
    static constexpr std::size_t command_count_max = 8'192;

  private:
    CommandCatalogue(std::deque<std::string> names, std::vector<CommandRow> commands,
                     std::vector<CommandRow> subcommands);

    std::deque<std::string> names_;  ///< Those that our own list has not.
    std::vector<CommandRow> commands_;
    std::vector<CommandRow> subcommands_;
    CommandTable table_;
};

}  // namespace sluice::resp
