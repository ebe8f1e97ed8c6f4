#include "protocol/pg/call_memo.hpp"

#include <algorithm>
#include <utility>

namespace sluice::pg {

std::vector<std::string> called_names(const StatementFacts& facts) {
    std::vector<std::string> names;
    for (const Effect& effect : facts.effects) {
        if (effect.kind != EffectKind::unknown_function) continue;
        std::string name = effect.name.substr(effect.name.rfind('.') + 1);
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
    }
    return names;
}

const KnownCalls* CallMemo::find(std::string_view text, SchemaGeneration generation) {
    keep_to(generation);
    if (known_.empty() || text.size() > text_bytes_max) return nullptr;
    const auto at = known_.find(text);
    return at == known_.end() ? nullptr : &at->second;
}

const KnownCalls* CallMemo::learn(std::string_view text, SchemaGeneration generation,
                                  std::span<const std::string> names,
                                  std::span<const CalledFunction> functions) {
    keep_to(generation);
    if (text.size() > text_bytes_max) return nullptr;
    KnownCalls known;
    known.harmless = true;
    for (const std::string& name : names) {
        bool found = false;
        for (const CalledFunction& function : functions) {
            if (function.name != name) continue;
            found = true;
            known.compiled = known.compiled || function.compiled;
            known.harmless = known.harmless && function.body.harmless;
            for (const std::string& placeholder : function.body.placeholders) {
                if (std::ranges::find(known.placeholders, placeholder) ==
                    known.placeholders.end()) {
                    known.placeholders.push_back(placeholder);
                }
            }
        }
        if (!found) return nullptr;
    }
    // Experience with some says nothing of the others.
    const auto sources_suffice = [&names](const CalledFunction& function) {
        const bool called = std::ranges::find(names, function.name) != names.end();
        return !called || function.compiled || function.body.harmless;
    };
    known.compiled = known.compiled && std::ranges::all_of(functions, sources_suffice);
    // Beginning anew is rare, and cheaper than knowing which was used last.
    if (known_.size() >= entries_max) known_.clear();
    return &known_.insert_or_assign(std::string(text), std::move(known)).first->second;
}

void CallMemo::asked(std::string_view text, bool found_nothing) {
    const auto at = known_.find(text);
    if (at == known_.end() || !at->second.compiled) return;  // There is better to go by.
    KnownCalls& known = at->second;
    known.found_nothing = found_nothing ? known.found_nothing + 1 : 0;
    known.harmless = known.found_nothing >= questions_enough;
}

void CallMemo::keep_to(SchemaGeneration generation) {
    if (generation == generation_) return;
    known_.clear();
    generation_ = generation;
}

}  // namespace sluice::pg
