#pragma once

#include "protocol/pg/client_channels.hpp"
#include "protocol/pg/statement_features.hpp"
#include "protocol/pg/statement_id.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace sluice::pg {

/// What puts a statement on a backend.
enum class Maker : std::uint8_t {
    parse,        ///< Parse, under a name of ours.
    named_parse,  ///< Parse, under the name that the client itself gave it; see own_version().
    prepare,      ///< The text, which is that of PREPARE: under the client's own name too.
};

/// One statement of a pool: what Parse says behind the name, and under which settings.
class Statement {
  public:
    Statement(StatementId id, std::string_view body, std::uint32_t planning, Maker maker);

    [[nodiscard]] StatementId id() const noexcept { return id_; }
    /// The text with its zero byte, then the count and the ids of the parameter types, as in Parse.
    [[nodiscard]] std::string_view body() const noexcept { return body_; }
    /// The text alone.
    [[nodiscard]] std::string_view text() const noexcept { return body_.c_str(); }
    /// What the words of the text name.
    [[nodiscard]] Feature features() const noexcept { return features_; }
    /// Whether the text may change the client's names or depend on what they stand for.
    [[nodiscard]] bool concerns_names() const noexcept {
        return has(features_, Feature::prepare | Feature::prepared_name | Feature::reset);
    }
    [[nodiscard]] Maker maker() const noexcept { return maker_; }
    /// A string in it may stand for the moment at which it is parsed, as 'now' does: parsed at
    /// another time it is another statement.
    [[nodiscard]] bool names_moment() const noexcept { return names_moment_; }
    /// What it costs to remember it.
    [[nodiscard]] std::size_t bytes() const noexcept { return sizeof(Statement) + body_.size(); }
    /// How often a client has sent it since it was entered; stops at its largest value.
    [[nodiscard]] std::uint32_t sightings() const noexcept { return seen_.sightings; }
    /// The definitions under which a server has accepted it last.
    [[nodiscard]] std::optional<SchemaGeneration> parsed_in() const noexcept {
        return seen_.parsed_in;
    }
    void set_parsed_in(SchemaGeneration generation) noexcept { seen_.parsed_in = generation; }
    /// What its text has to do with channels, once somebody has looked.
    [[nodiscard]] std::optional<ChannelNote> channel_notes() const noexcept {
        return seen_.channel_notes;
    }
    void set_channel_notes(ChannelNote notes) noexcept { seen_.channel_notes = notes; }

  private:
    friend class StatementCatalog;

    /// What its use has shown so far.
    struct Seen {
        std::uint32_t sightings = 0;
        std::optional<ChannelNote> channel_notes;
        std::optional<SchemaGeneration> parsed_in;
    };

    const StatementId id_;
    const std::string body_;
    const std::uint32_t planning_;
    const Feature features_;
    const Maker maker_;
    const bool names_moment_;
    Seen seen_;
    std::uint32_t holders_ = 0;
    Statement* older_ = nullptr;  ///< Among those that nobody holds.
    Statement* newer_ = nullptr;
};

/// The statements of one pool shard, shared by all its clients: the same text with the same
/// parameter types under the same settings is the same statement, by whatever name.
///
/// A statement that somebody holds stays. The others are kept in case they come again, until the
/// limits are reached; then the least recently used is forgotten. What holders keep is bounded by
/// the limits on each client.
///
/// Confined to: its worker. Outlives those who hold of it.
class StatementCatalog {
  public:
    struct Limits {
        std::size_t count_max = 0;  ///< Held ones included. 0: no limit.
        std::size_t bytes_max = 0;  ///< Likewise.
    };

    StatementCatalog(StatementIds ids, Limits limits) noexcept : ids_(ids), limits_(limits) {}
    StatementCatalog(const StatementCatalog&) = delete;
    StatementCatalog& operator=(const StatementCatalog&) = delete;

    /// The statement of a Parse, held once for the caller. Counts a sighting.
    /// `planning` stands for the settings that decide what a text means.
    [[nodiscard]] Statement& take(std::string_view body, std::uint32_t planning,
                                  Maker maker = Maker::parse);
    /// Likewise, if it is there; nobody holds it for that. Null: it is not.
    [[nodiscard]] const Statement* find(std::string_view body, std::uint32_t planning) const;
    /// What stands for a statement of Parse where a backend has it under its client's own name.
    [[nodiscard]] StatementId own_version(const Statement& statement, std::string_view name);
    void hold(Statement& statement) noexcept;
    void release(Statement& statement);

    [[nodiscard]] std::size_t size() const noexcept { return statements_.size(); }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    struct Key {
        std::string_view body;  ///< The statement's own.
        std::uint32_t planning;
        Maker maker;
        bool operator==(const Key&) const = default;
    };
    struct KeyHash {
        std::size_t operator()(const Key& key) const noexcept {
            return std::hash<std::string_view>()(key.body) ^
                   (std::size_t{key.planning} * 0x9e3779b97f4a7c15U);
        }
    };

    void unlink(Statement& statement) noexcept;
    void forget_beyond_limits();

    StatementIds ids_;
    const Limits limits_;
    std::unordered_map<Key, std::unique_ptr<Statement>, KeyHash> statements_;
    Statement* oldest_ = nullptr;  ///< Of those that nobody holds.
    Statement* newest_ = nullptr;
    std::size_t bytes_ = 0;
};

}  // namespace sluice::pg
