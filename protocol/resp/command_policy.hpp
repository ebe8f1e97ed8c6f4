#pragma once

#include "protocol/resp/command_table.hpp"

#include <span>
#include <string>
#include <vector>

namespace sluice::resp {

enum class Writing : std::uint8_t { allowed, refused };

/// Which commands a client may use: what the table refuses by default, changed by name ("flushall",
/// "config set") or by category ("@dangerous", "@admin", "@write"). A refusal wins over a
/// permission. Immutable once made.
class CommandPolicy {
  public:
    /// `unknown`, when given, receives the words that name nothing in the table.
    CommandPolicy(const CommandTable& table, std::span<const std::string> allow,
                  std::span<const std::string> refuse, Writing writing = Writing::allowed,
                  std::vector<std::string>* unknown = nullptr);

    [[nodiscard]] const CommandTable& table() const noexcept { return table_; }
    [[nodiscard]] bool allows(const CommandRow& row) const noexcept {
        return verdicts_[table_.index_of(row)] != Verdict::refused;
    }
    /// The settings name it: for commands that are allowed in part by default.
    [[nodiscard]] bool allows_explicitly(const CommandRow& row) const noexcept {
        return verdicts_[table_.index_of(row)] == Verdict::named;
    }

  private:
    enum class Verdict : std::uint8_t { refused, allowed, named };

    bool mark(const std::string& word, Verdict verdict);
    void refuse_writing();

    const CommandTable& table_;
    std::vector<Verdict> verdicts_;
};

}  // namespace sluice::resp
