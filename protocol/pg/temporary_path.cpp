#include "protocol/pg/temporary_path.hpp"

#include "protocol/pg/statement_words.hpp"

#include <algorithm>

namespace sluice::pg {

bool names_temporary_schema(std::string_view search_path) noexcept {
    constexpr std::string_view name = "pg_temp";
    // Without regard to case. Not of std::ranges, whose subrange clang 14 cannot read.
    const auto same = [](char a, char b) { return word_byte(a) == b; };
    return std::search(search_path.begin(), search_path.end(), name.begin(), name.end(), same) !=
           search_path.end();
}

}  // namespace sluice::pg
