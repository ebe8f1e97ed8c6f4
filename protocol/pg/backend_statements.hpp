#pragma once

#include "protocol/pg/result_shape.hpp"
#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <vector>

namespace sluice::pg {

/// The prepared statements on one backend: what is there, and what will be if the requests under
/// way succeed. The least recently used one is given up when there is no room.
///
/// Within one batch (up to a Sync) what has been sent can be relied on, because an error that
/// undoes it makes PostgreSQL read over the rest of the batch too. What an earlier batch changes
/// is in doubt until it is answered; whoever needs it then sends Close and Parse, which is right
/// in either case.
///
/// Ids, not pointers, stand here, so that a backend can move to another worker.
class BackendStatements {
  public:
    BackendStatements() = default;
    BackendStatements(const BackendStatements&) = delete;
    BackendStatements& operator=(const BackendStatements&) = delete;
    BackendStatements(BackendStatements&& other) noexcept;
    BackendStatements& operator=(BackendStatements&& other) noexcept;

    enum class Presence : std::uint8_t { absent, present, doubtful };
    [[nodiscard]] Presence presence(StatementId id, std::uint32_t batch) const noexcept;
    /// The generation of the pool's schema, as far as it is known, in which it was last parsed.
    [[nodiscard]] SchemaGeneration generation(StatementId id) const noexcept;
    /// Of what it returns, as it was parsed: PostgreSQL itself sees to it that this stays so.
    [[nodiscard]] ResultShape shape(StatementId id) const noexcept;
    void shape_told(StatementId id, ResultShape shape) noexcept;
    /// The backend has been asked for it, and has not answered.
    [[nodiscard]] bool shape_asked(StatementId id) const noexcept;
    void ask_shape(StatementId id) noexcept;
    void shape_settled(StatementId id) noexcept;
    /// Of what is parsed from now on.
    void set_generation(SchemaGeneration generation) noexcept { generation_ = generation; }
    /// It is about to be used, so others go first.
    void touch(StatementId id) noexcept;
    /// The least recently used one, if there are at least `count_max`. 0: no limit.
    [[nodiscard]] std::optional<StatementId> surplus(std::size_t count_max) const noexcept;

    void parse_sent(StatementId id, std::uint32_t batch);
    void close_sent(StatementId id, std::uint32_t batch);
    /// The reply to the oldest of these for `id` has come, or never will.
    void parse_settled(StatementId id, bool happened);
    void close_settled(StatementId id, bool happened);
    /// The server contradicts what stands here about `id`.
    void distrust(StatementId id);
    /// DISCARD ALL, DEALLOCATE ALL: whatever is settled is gone.
    void forget_all();

    /// Those that may be there.
    [[nodiscard]] std::vector<StatementId> all() const;
    /// Those that are there if all goes well.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    // The unnamed statement, of which only the last matters.
    void unnamed_sent(StatementId id, std::uint32_t batch) noexcept;  ///< Zero: it goes.
    void unnamed_settled(bool happened) noexcept;
    /// What it returns, if it is certainly the last one that was parsed.
    void unnamed_told(StatementId id, ResultShape shape) noexcept {
        if (unnamed_ == id && unnamed_unsettled_ == 0) unnamed_shape_ = shape;
    }
    /// Not known where nobody has asked since it was parsed.
    [[nodiscard]] ResultShape unnamed_shape() const noexcept { return unnamed_shape_; }
    void distrust_unnamed() noexcept { unnamed_known_ = false; }
    /// A simple query, which nothing can make the backend read over, drops it.
    void unnamed_gone() noexcept {
        unnamed_ = {};
        unnamed_known_ = true;
    }
    /// It certainly is `id`; zero: there certainly is none.
    [[nodiscard]] bool unnamed_is(StatementId id, std::uint32_t batch) const noexcept {
        return unnamed_known_ && unnamed_ == id &&
               (unnamed_unsettled_ == 0 || unnamed_batch_ == batch);
    }

  private:
    struct Node {
        StatementId id;
        Node* older = nullptr;
        Node* newer = nullptr;
        SchemaGeneration generation;
        std::uint32_t batch = 0;      ///< Of the last request under way.
        std::uint32_t unsettled = 0;  ///< Requests under way that change it.
        Presence settled = Presence::absent;
        bool expected = false;
        bool shape_asked = false;
        ResultShape shape;
    };

    [[nodiscard]] Node* find(StatementId id) noexcept;
    void expect(Node& node, bool present) noexcept;
    void settle(StatementId id, Presence now, bool happened);
    void unlink(Node& node) noexcept;
    void link_newest(Node& node) noexcept;

    std::unordered_map<std::uint64_t, Node> nodes_;
    Node* oldest_ = nullptr;  ///< Of those expected to be there.
    Node* newest_ = nullptr;
    std::size_t size_ = 0;
    SchemaGeneration generation_;
    StatementId unnamed_;
    ResultShape unnamed_shape_;
    std::uint32_t unnamed_batch_ = 0;
    std::uint32_t unnamed_unsettled_ = 0;
    bool unnamed_known_ = true;
};

}  // namespace sluice::pg
