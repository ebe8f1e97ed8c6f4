#pragma once

#include "protocol/pg/command_tag.hpp"
#include "protocol/pg/reply_queue.hpp"
#include "protocol/pg/result_shape.hpp"
#include "protocol/pg/statement_catalog.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace sluice::pg {

/// What a text will do to the names of its client once a tag says that it has.
struct NameEffect {
    TagMeaning by;
    std::string name;
    Statement* statement = nullptr;  ///< What PREPARE gives the name; held.
};

/// The prepared statements of one client, by the client's own names, the unnamed one among them.
///
/// What a client sends is not yet so: an error may make PostgreSQL read over it. A change is
/// therefore begun when its frame goes on and settled, in the same order, when the reply to it has
/// come or never will. Within one batch (up to a Sync) the client's own view holds, since what is
/// read over takes with it all that relies on it; behind the Sync only the settled one does.
///
/// Owned by the client's session and made with its first statement. Confined to: its worker.
class ClientStatements {
  public:
    explicit ClientStatements(StatementCatalog& catalog) : catalog_(catalog), slots_(1) {}
    ~ClientStatements();
    ClientStatements(const ClientStatements&) = delete;
    ClientStatements& operator=(const ClientStatements&) = delete;

    enum class Standing : std::uint8_t {
        absent,     ///< The client has no statement of that name.
        held,       ///< It has `statement`.
        undecided,  ///< An earlier batch that changes it has not been answered yet.
    };
    struct Found {
        Standing standing = Standing::absent;
        std::uint32_t slot = 0;
        Statement* statement = nullptr;
        /// In which the client had it parsed: a version that is older may mean something else.
        SchemaGeneration generation{};
        ResultShape told{};  ///< What the client takes its rows for.
        /// PREPARE made it, so it stands on backends under the client's own name.
        [[nodiscard]] bool by_sql() const noexcept {
            return statement != nullptr && statement->maker() == Maker::prepare;
        }
    };
    /// PostgreSQL tells names apart by their first 63 bytes, and so does this.
    [[nodiscard]] Found find(std::string_view name, std::uint32_t batch) const;
    [[nodiscard]] bool has_unnamed() const noexcept { return slots_[0].expected != nullptr; }

    static constexpr std::uint32_t unnamed_slot = 0;

    /// Whether the unnamed statement is one that only the backend of the lease has, because its
    /// text was too long to be kept.
    enum class Unkept : std::uint8_t { none, unbound, bound };
    [[nodiscard]] Unkept unkept() const noexcept { return unkept_; }
    void set_unkept(Unkept unkept) noexcept { unkept_ = unkept; }
    /// Whether the last unnamed Parse was answered with a statement under a name of ours.
    [[nodiscard]] bool unnamed_prepared() const noexcept { return unnamed_prepared_; }
    void set_unnamed_prepared(bool prepared) noexcept { unnamed_prepared_ = prepared; }

    /// The name gets this statement, of which the caller gives its hold away.
    std::uint32_t begin_parse(std::string_view name, Statement& statement, std::uint32_t batch,
                              SchemaGeneration generation = {});
    /// The statement of this slot goes.
    void begin_close(std::uint32_t slot, std::uint32_t batch);
    /// A simple query drops the unnamed statement, and perhaps every name.
    enum class Names : std::uint8_t { stay, may_go };
    void begin_query(Names names, std::uint32_t batch);
    /// The same, of a client whose changes are all settled.
    void drop_unnamed();
    /// Whether what a text was accepted by holds for everybody, or perhaps for one transaction.
    enum class Basis : std::uint8_t { committed, own };
    /// The oldest change has happened, or never will. An unnamed Parse that fails leaves none.
    void settle(Outcome outcome, Basis basis = Basis::own);
    /// Nothing that has been begun will happen.
    void settle_nothing();
    /// DEALLOCATE ALL: every settled name goes, the unnamed statement stays.
    void forget_names();

    // PREPARE and DEALLOCATE. Nobody relies on what they will do before it is done: until then
    // every name is undecided.
    /// A text that does this has been sent, by Query (which drops the unnamed statement) or not.
    void begin_names(std::vector<NameEffect> effects, Owed by, std::uint32_t batch);
    [[nodiscard]] bool names_under_way() const noexcept { return names_may_go_ > 0; }
    /// The next effect has happened, if this tag tells of it; else nothing is certain any more.
    /// Returns it, for whoever else keeps names.
    [[nodiscard]] const NameEffect* effect_happened(TagMeaning tag);
    /// Those that have not happened yet.
    [[nodiscard]] std::vector<std::string> names_in_doubt() const;
    /// A batch of our own has been sent ahead of the text at the front, so that a backend has what
    /// that text executes.
    void set_prepared_apart(bool sent) noexcept { prepared_apart_ = sent; }
    [[nodiscard]] bool prepared_apart() const noexcept { return prepared_apart_; }
    /// What the client holds cannot be told any more: it must keep its backend.
    void lose_track() noexcept { lost_track_ = true; }
    [[nodiscard]] bool lost_track() const noexcept { return lost_track_; }
    [[nodiscard]] bool has_by_sql() const noexcept { return by_sql_ > 0; }
    /// The names of those that PREPARE made.
    [[nodiscard]] std::vector<std::string> names_by_sql() const;
    /// All names, in the order in which they were given.
    [[nodiscard]] std::vector<std::string> names() const;
    /// Some name depends on an answer to an earlier batch.
    [[nodiscard]] bool undecided(std::uint32_t batch) const noexcept;

    /// The client has been told, by a Describe, what a statement returns; not known: it is not to
    /// be held to what it was told.
    void told(std::uint32_t slot, StatementId id, ResultShape shape) noexcept;
    /// The portal that the last Bind made, while it is not known what its statement returns.
    struct Described {
        std::string portal;
        std::uint32_t slot = 0;
        StatementId statement;
    };
    [[nodiscard]] Described& last_bound() noexcept { return last_bound_; }

    /// A portal is bound to this statement; null: one that is not known. Only those that concern
    /// names are remembered.
    void bound(std::string_view portal, Statement* statement);
    /// Null for a portal of any other statement.
    [[nodiscard]] Statement* statement_of(std::string_view portal) const noexcept;
    [[nodiscard]] bool has_portals() const noexcept { return !portals_.empty(); }
    /// The transaction has ended, and portals with it.
    void forget_portals();

    /// The client's name for a slot; empty for the unnamed one.
    [[nodiscard]] std::string_view name_of(std::uint32_t slot) const noexcept;
    /// Names, and the bytes of their statements, as they will be if all goes well.
    [[nodiscard]] std::size_t count() const noexcept { return count_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    struct Slot {
        const std::string* name = nullptr;  ///< Null for the unnamed statement and a free slot.
        Statement* settled = nullptr;
        Statement* expected = nullptr;
        SchemaGeneration generation;  ///< Of the last Parse.
        ResultShape told;
        std::uint64_t given = 0;  ///< When, as a count of what was given.
        std::uint32_t batch = 0;  ///< Of the youngest change that is not settled.
        std::uint32_t unsettled = 0;
    };
    struct Change {
        std::uint32_t slot;    ///< `no_slot`: none.
        Statement* statement;  ///< Null: it goes.
        Names names = Names::stay;
    };
    static constexpr std::uint32_t no_slot = ~std::uint32_t{0};
    struct Portal {
        std::string name;
        Statement* statement;
    };
    struct NameHash {
        using is_transparent = void;
        std::size_t operator()(std::string_view name) const noexcept {
            return std::hash<std::string_view>()(name);
        }
    };

    void begin(Change change, std::uint32_t batch);
    [[nodiscard]] std::uint32_t slot_for(std::string_view name);
    void give(std::string_view name, Statement* statement);
    void drop_effects();
    void free_if_empty(std::uint32_t slot);
    void expect(Slot& slot, Statement* statement) noexcept;

    StatementCatalog& catalog_;
    std::unordered_map<std::string, std::uint32_t, NameHash, std::equal_to<>> names_;
    std::vector<Slot> slots_;  ///< The first is the unnamed statement's.
    std::vector<std::uint32_t> free_;
    std::vector<Change> changes_;  ///< Begun and not settled, oldest first, from `settled_to_` on.
    std::size_t settled_to_ = 0;
    std::size_t names_may_go_ = 0;     ///< Changes not settled of which that is so.
    std::vector<NameEffect> effects_;  ///< Of the one text under way that has some.
    std::size_t happened_ = 0;         ///< Of those.
    std::vector<Portal> portals_;
    Described last_bound_;
    std::size_t count_ = 0;
    std::size_t bytes_ = 0;
    std::uint64_t given_ = 0;  ///< Statements that names were given.
    std::size_t by_sql_ = 0;   ///< Names of statements that PREPARE made.
    Unkept unkept_ = Unkept::none;
    bool unnamed_prepared_ = false;
    bool lost_track_ = false;
    bool prepared_apart_ = false;
};

}  // namespace sluice::pg
