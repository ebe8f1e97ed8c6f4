#include "server/sql/statement_memo.hpp"

#include "protocol/assert.hpp"

#include "server/sql/text_hash.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>
#include <utility>

namespace sluice::sql {
namespace {

/// Those that texts of a kind share, or null when these are worth keeping.
const pg::StatementFacts* shared_facts(const pg::StatementFacts& facts) {
    if (facts.is_plain()) return &pg::plain_facts(facts.statements.front().kind);
    return facts.statements.empty() ? &pg::unread_facts(facts.end) : nullptr;
}

}  // namespace

StatementMemo::StatementMemo(MemoLimits limits, std::uint64_t seed) : limits_(limits), seed_(seed) {
    SLUICE_ASSERT(limits.entries_max >= 1);
    buckets_.resize(std::bit_ceil(std::size_t{limits.entries_max}));
    entries_.resize(1);
}

StatementMemo::~StatementMemo() = default;

const pg::StatementFacts& StatementMemo::read(std::string_view text) {
    if (text.size() > limits_.text_bytes_max) {
        unremembered_ = parse(text);
        return unremembered_;
    }
    const auto hash = static_cast<std::uint32_t>(text_hash(text, seed_));
    if (const Index index = find(text, hash); index != 0) {
        ++counters_.hits;
        if (entries_[0].older != index) {
            unlink(index);
            link_newest(index);
        }
        return *entries_[index].facts;
    }
    return remember(text, hash, parse(text));
}

StatementMemo::Index StatementMemo::find(std::string_view text, std::uint32_t hash) const noexcept {
    for (Index index = buckets_[hash & (buckets_.size() - 1)]; index != 0;
         index = entries_[index].next_in_bucket) {
        const Entry& entry = entries_[index];
        if (entry.hash == hash && std::string_view(entry.text.get(), entry.text_bytes) == text)
            return index;
    }
    return 0;
}

pg::StatementFacts StatementMemo::parse(std::string_view text) {
    using std::chrono::steady_clock;
    const auto begin = steady_clock::now();
    pg::StatementFacts facts = parser_.parse(text);
    const std::chrono::nanoseconds taken = steady_clock::now() - begin;
    ++counters_.misses;
    counters_.parse_nanoseconds += static_cast<std::uint64_t>(taken.count());
    return facts;
}

const pg::StatementFacts& StatementMemo::remember(std::string_view text, std::uint32_t hash,
                                                  pg::StatementFacts facts) {
    Entry entry;
    entry.hash = hash;
    entry.text_bytes = static_cast<std::uint32_t>(text.size());
    entry.facts = shared_facts(facts);
    if (entry.facts == nullptr) {
        facts.statements.shrink_to_fit();
        facts.effects.shrink_to_fit();
        entry.own = std::make_unique<const pg::StatementFacts>(std::move(facts));
        entry.facts = entry.own.get();
    }
    const std::size_t bytes = bytes_of(entry);
    if (bytes > limits_.bytes_max) {
        unremembered_ = *entry.facts;
        return unremembered_;
    }
    while (entry_count_ == limits_.entries_max || bytes_ > limits_.bytes_max - bytes)
        forget_oldest();
    entry.text = std::make_unique<char[]>(std::max<std::size_t>(text.size(), 1));
    std::copy(text.begin(), text.end(), entry.text.get());

    Index index = free_;
    if (index != 0) {
        free_ = entries_[index].next_in_bucket;
    } else {
        index = static_cast<Index>(entries_.size());
        entries_.emplace_back();
    }
    entry.next_in_bucket = std::exchange(bucket(hash), index);
    entries_[index] = std::move(entry);
    link_newest(index);
    ++entry_count_;
    bytes_ += bytes;
    return *entries_[index].facts;
}

void StatementMemo::forget_oldest() noexcept {
    const Index index = entries_[0].newer;
    SLUICE_ASSERT(index != 0);
    Entry& entry = entries_[index];
    Index* link = &bucket(entry.hash);
    while (*link != index)
        link = &entries_[*link].next_in_bucket;
    *link = entry.next_in_bucket;
    unlink(index);
    bytes_ -= bytes_of(entry);
    entry = Entry();
    entry.next_in_bucket = std::exchange(free_, index);
    --entry_count_;
    ++counters_.evictions;
}

void StatementMemo::unlink(Index index) noexcept {
    const Entry& entry = entries_[index];
    entries_[entry.newer].older = entry.older;
    entries_[entry.older].newer = entry.newer;
}

/// The head stands between the newest, which is its older one, and the oldest.
void StatementMemo::link_newest(Index index) noexcept {
    Entry& head = entries_[0];
    Entry& entry = entries_[index];
    entry.newer = 0;
    entry.older = std::exchange(head.older, index);
    entries_[entry.older].newer = index;
}

std::size_t StatementMemo::bytes_of(const Entry& entry) noexcept {
    return sizeof(Entry) + entry.text_bytes + (entry.own ? entry.own->memory_bytes() : 0);
}

}  // namespace sluice::sql
