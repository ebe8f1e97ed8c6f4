#pragma once

#include <array>
#include <charconv>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <system_error>

namespace sluice::pg {

/// A prepared statement of a pool, whatever its clients call it. Unlike a pointer it keeps its
/// meaning in a backend that moves to another worker. Zero is none.
struct StatementId {
    std::uint64_t value = 0;

    [[nodiscard]] explicit operator bool() const noexcept { return value != 0; }
    bool operator==(const StatementId&) const = default;
};

/// What a transaction has changed of what statements mean.
enum class SchemaChange : std::uint8_t { none, meanings, results };

/// How often the definitions of a database have changed, as far as it was noticed.
struct SchemaGeneration {
    std::uint64_t value = 0;  ///< In its upper half those changes that may change results.

    static constexpr unsigned results_shift = 32;
    [[nodiscard]] static constexpr std::uint64_t step(SchemaChange change) noexcept {
        return change == SchemaChange::results ? (std::uint64_t{1} << results_shift) + 1
               : change == SchemaChange::none  ? 0
                                               : 1;
    }
    [[nodiscard]] constexpr bool same_results(SchemaGeneration other) const noexcept {
        return value >> results_shift == other.value >> results_shift;
    }
    auto operator<=>(const SchemaGeneration&) const = default;
};

/// Gives ids that no other worker gives.
class StatementIds {
  public:
    StatementIds(unsigned worker, unsigned worker_count) noexcept
        : next_(std::uint64_t{worker} + 1), step_(worker_count) {}

    [[nodiscard]] StatementId next() noexcept {
        const StatementId id{next_};
        next_ += step_;
        return id;
    }

  private:
    std::uint64_t next_;
    std::uint64_t step_;
};

/// Names that begin like this are ours; a client's own name that does is not looked for there.
constexpr std::string_view statement_name_prefix = "sluice_";

/// The name of a statement on every backend: short, for it travels with each Bind. That of the
/// id zero names nothing that anybody has.
class StatementName {
  public:
    explicit StatementName(StatementId id) noexcept {
        statement_name_prefix.copy(text_.data(), statement_name_prefix.size());
        char* const begin = text_.data() + statement_name_prefix.size();
        const auto end = std::to_chars(begin, text_.data() + text_.size(), id.value, 36);
        bytes_ = static_cast<std::size_t>(end.ptr - text_.data());
    }
    [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), bytes_}; }

    /// Of which statement this is the name; none for any other name.
    [[nodiscard]] static std::optional<StatementId> id_of(std::string_view name) noexcept {
        if (!name.starts_with(statement_name_prefix)) return std::nullopt;
        StatementId id;
        const char* const end = name.data() + name.size();
        const auto read =
            std::from_chars(name.data() + statement_name_prefix.size(), end, id.value, 36);
        if (read.ec != std::errc{} || StatementName(id).text() != name) return std::nullopt;
        return id;
    }

  private:
    std::array<char, 24> text_;  // 2^64 has 13 digits to base 36.
    std::size_t bytes_;
};

}  // namespace sluice::pg
