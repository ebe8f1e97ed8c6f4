#include "protocol/pg/statement_facts.hpp"

#include <array>

namespace sluice::pg {
namespace {

/// What a string has outside itself.
std::size_t outside_bytes(const std::string& text) noexcept {
    static const std::size_t inside = std::string().capacity();
    return text.capacity() > inside ? text.capacity() + 1 : 0;
}

constexpr std::size_t reading_end_count = 5;

}  // namespace

std::size_t StatementFacts::memory_bytes() const noexcept {
    std::size_t bytes = sizeof(*this) + statements.capacity() * sizeof(SqlStatement) +
                        effects.capacity() * sizeof(Effect);
    for (const Effect& effect : effects)
        bytes += outside_bytes(effect.name) + outside_bytes(effect.value);
    return bytes;
}

const StatementFacts& plain_facts(StatementKind kind) {
    static const auto facts = [] {
        std::array<StatementFacts, statement_kind_count> all;
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i].statements.push_back({.kind = static_cast<StatementKind>(i)});
        return all;
    }();
    return facts[static_cast<std::size_t>(kind)];
}

const StatementFacts& unread_facts(ReadingEnd end) {
    static const auto facts = [] {
        std::array<StatementFacts, reading_end_count> all;
        for (std::size_t i = 0; i < all.size(); ++i)
            all[i].end = static_cast<ReadingEnd>(i);
        return all;
    }();
    return facts[static_cast<std::size_t>(end)];
}

}  // namespace sluice::pg
