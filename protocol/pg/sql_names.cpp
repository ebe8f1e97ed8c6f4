#include "protocol/pg/sql_names.hpp"

#include "protocol/pg/harmless_function_list.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>

namespace sluice::pg {
namespace {

// PostgreSQL 15's reserved words and those that may name a column but no function, then the few
// that the declaration names. Source: PostgreSQL 15 manual, "SQL Key Words".
constexpr std::string_view keyword_list =
    "all analyse analyze and any array as asc asymmetric both case cast check collate column "
    "constraint create current_catalog current_date current_role current_time current_timestamp "
    "current_user default deferrable desc distinct do else end except false fetch for foreign from "
    "grant group having in initially intersect into lateral leading limit localtime localtimestamp "
    "not null offset on only or order placing primary references returning select session_user "
    "some symmetric table then to trailing true union unique user using variadic when where window "
    "with "
    "between bigint bit boolean char character coalesce dec decimal exists extract float greatest "
    "grouping inout int integer interval least national nchar none normalize nullif numeric out "
    "overlay position precision real row setof smallint substring time timestamp treat trim values "
    "varchar xmlattributes xmlconcat xmlelement xmlexists xmlforest xmlnamespaces xmlparse xmlpi "
    "xmlroot xmlserialize xmltable "
    "by conflict cube ilike join like rollup sets ";

/// PostgreSQL cuts longer names, so none of ours is.
constexpr std::size_t name_bytes_max = 63;

constexpr char lower(char byte) noexcept {
    return byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte - 'A' + 'a') : byte;
}

constexpr std::size_t slot_bits = 12;
constexpr std::size_t slot_count = std::size_t{1} << slot_bits;

constexpr std::size_t slot_of(std::string_view name) noexcept {
    std::uint32_t mixed = static_cast<std::uint32_t>(name.size());
    for (const char byte : name)
        mixed = std::rotl(mixed, 5) ^ static_cast<unsigned char>(lower(byte));
    return (mixed * 0x9E37'79B1U) >> (32U - slot_bits);
}

struct Entry {
    std::uint16_t at = 0;
    std::uint8_t bytes = 0;  ///< Zero: free.
    SqlName name = SqlName::unknown;
};

/// Open addressing, a third full: a name is where its hash says or in one of the next slots.
class NameTable {
  public:
    constexpr NameTable() {
        // Functions first: a word that is both (left, right, char) may be called.
        add(harmless_function_list, SqlName::harmless_function);
        add(keyword_list, SqlName::keyword);
    }

    [[nodiscard]] constexpr SqlName find(std::string_view word) const noexcept {
        if (word.empty() || word.size() > name_bytes_max) return SqlName::unknown;
        for (std::size_t slot = slot_of(word);; slot = (slot + 1) % slot_count) {
            const Entry& entry = slots_[slot];
            if (entry.bytes == 0) return SqlName::unknown;
            if (entry.bytes == word.size() && same(word, text(entry))) return entry.name;
        }
    }

  private:
    static constexpr std::string_view text(const Entry& entry) noexcept {
        const std::string_view list =
            entry.name == SqlName::keyword ? keyword_list : harmless_function_list;
        return {list.data() + entry.at, entry.bytes};
    }
    static constexpr bool same(std::string_view word, std::string_view name) noexcept {
        return std::equal(word.begin(), word.end(), name.begin(),
                          [](char a, char b) { return lower(a) == b; });
    }
    constexpr void add(std::string_view list, SqlName kind) {
        for (std::size_t at = 0; at < list.size();) {
            const std::size_t bytes = list.find(' ', at) - at;
            const std::string_view name(list.data() + at, bytes);
            if (find(name) == SqlName::unknown) {
                std::size_t slot = slot_of(name);
                while (slots_[slot].bytes != 0)
                    slot = (slot + 1) % slot_count;
                slots_[slot] = {static_cast<std::uint16_t>(at), static_cast<std::uint8_t>(bytes),
                                kind};
            }
            at += bytes + 1;
        }
    }

    std::array<Entry, slot_count> slots_{};
};

static_assert(harmless_function_list.size() <= UINT16_MAX);
static_assert(harmless_function_count < slot_count / 2);
constexpr NameTable names;

}  // namespace

SqlName find_sql_name(std::string_view word) noexcept {
    return names.find(word);
}

bool is_harmless_function(std::string_view name) noexcept {
    const bool upper =
        std::any_of(name.begin(), name.end(), [](char byte) { return lower(byte) != byte; });
    return !upper && names.find(name) == SqlName::harmless_function;
}

}  // namespace sluice::pg
