#include "protocol/pg/harmless_texts.hpp"

namespace sluice::pg {

bool HarmlessTexts::trusts(std::string_view text, SchemaGeneration generation) {
    keep_to(generation);
    if (found_nothing_.empty() || text.size() > text_bytes_max) return false;
    const auto at = found_nothing_.find(text);
    return at != found_nothing_.end() && at->second >= questions_enough;
}

void HarmlessTexts::nothing_found(std::string_view text, SchemaGeneration generation) {
    keep_to(generation);
    if (text.size() > text_bytes_max) return;
    if (const auto at = found_nothing_.find(text); at != found_nothing_.end()) {
        ++at->second;
        return;
    }
    // Beginning anew is rare, and cheaper than knowing which was used last.
    if (found_nothing_.size() >= entries_max) found_nothing_.clear();
    found_nothing_.emplace(text, 1);
}

void HarmlessTexts::something_found(std::string_view text) {
    if (const auto at = found_nothing_.find(text); at != found_nothing_.end()) {
        found_nothing_.erase(at);
    }
}

void HarmlessTexts::keep_to(SchemaGeneration generation) {
    if (generation == generation_) return;
    found_nothing_.clear();
    generation_ = generation;
}

}  // namespace sluice::pg
