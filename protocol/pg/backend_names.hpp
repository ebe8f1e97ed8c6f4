#pragma once

#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::pg {

/// The prepared statements that stand on one backend under names of the clients' own, as PREPARE
/// and EXECUTE need them: whose version each name has, and what it will have if the requests under
/// way succeed.
///
/// Several clients use the same names, so a version is told by its id; what nobody can tell is
/// unknown, and is closed before anybody relies on it. As with ClientStatements a change is begun
/// when it is sent and settled, in the same order, when its reply has come or never will.
class BackendNames {
  public:
    BackendNames() = default;
    BackendNames(const BackendNames&) = delete;
    BackendNames& operator=(const BackendNames&) = delete;
    BackendNames(BackendNames&&) noexcept = default;
    BackendNames& operator=(BackendNames&&) noexcept = default;

    /// Something is there, but of no version that a client has.
    static constexpr StatementId placeholder{~std::uint64_t{0}};

    /// What the name stands for where a request sent now will be executed; zero: nothing. Empty
    /// where that is not known.
    [[nodiscard]] std::optional<StatementId> version(std::string_view name,
                                                     std::uint32_t batch) const;
    /// Something stands here for the name.
    [[nodiscard]] bool knows(std::string_view name) const { return records_.contains(name); }
    /// Grows with each that is put there; 0 where nothing stands here for the name.
    [[nodiscard]] std::uint64_t made(std::string_view name) const;
    /// It is about to be used, so others go first.
    void touch(std::string_view name);
    /// The name that was used least recently, if there are at least `count_max`. 0: no limit.
    [[nodiscard]] std::optional<std::string> surplus(std::size_t count_max) const;
    [[nodiscard]] bool empty() const noexcept { return records_.empty(); }
    /// There may be some that do not stand here.
    [[nodiscard]] bool uncertain() const noexcept { return others_; }
    [[nodiscard]] std::size_t size() const noexcept { return records_.size(); }
    [[nodiscard]] std::vector<std::string> all() const;

    /// A request has been sent that gives the name this version; zero: takes it away.
    void begin(std::string_view name, StatementId id, std::uint32_t batch);
    /// The reply to the oldest of those has come, or never will.
    void settle(Outcome outcome);
    /// A text has done so.
    void changed(std::string_view name, StatementId id);
    void distrust(std::string_view name);
    /// A text has changed names that are not known.
    void distrust_all() noexcept { others_ = true; }
    /// DISCARD ALL, DEALLOCATE ALL: whatever is settled is gone.
    void forget_all();

  private:
    struct Record {
        StatementId settled;
        StatementId expected;
        std::uint64_t used = 0;
        std::uint64_t made = 0;
        std::uint32_t batch = 0;  ///< Of the last change under way.
        std::uint32_t unsettled = 0;
        bool known = true;
    };
    struct Change {
        std::string name;
        StatementId id;
    };
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>()(name);
        }
    };
    using Records = std::unordered_map<std::string, Record, NameHash, std::equal_to<>>;

    [[nodiscard]] Record& record_of(std::string_view name);
    void forget_if_absent(Records::iterator at);

    Records records_;
    std::vector<Change> changes_;  ///< Begun and not settled, oldest first, from `settled_to_` on.
    std::size_t settled_to_ = 0;
    std::uint64_t uses_ = 0;
    bool others_ = false;  ///< There may be names besides.
};

}  // namespace sluice::pg
