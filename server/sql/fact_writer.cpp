#include "server/sql/fact_writer.hpp"

#include <cstddef>
#include <utility>

namespace sluice::sql {

void FactWriter::statement_begun(pg::StatementKind kind, std::uint32_t begin, std::uint32_t bytes) {
    const auto effects = static_cast<std::uint32_t>(facts_.effects.size());
    facts_.statements.push_back({kind, begin, bytes, effects, effects});
}

void FactWriter::statement_ended() {
    facts_.statements.back().effects_end = static_cast<std::uint32_t>(facts_.effects.size());
}

pg::Effect& FactWriter::add(pg::EffectKind kind, std::string name, std::string value) {
    pg::Effect& effect = facts_.effects.emplace_back();
    effect.kind = kind;
    effect.name = std::move(name);
    effect.value = std::move(value);
    facts_.kinds |= std::uint64_t{1} << static_cast<unsigned>(kind);
    return effect;
}

void FactWriter::add_once(pg::EffectKind kind, std::string name) {
    constexpr std::size_t names_max = 64;  // What follows is quadratic.
    const std::size_t begin = statement().effects_begin;
    if (facts_.effects.size() - begin >= names_max && facts_.has(kind)) return;
    for (std::size_t i = begin; i < facts_.effects.size(); ++i) {
        if (facts_.effects[i].kind == kind && facts_.effects[i].name == name) return;
    }
    add(kind, std::move(name));
}

}  // namespace sluice::sql
