#pragma once

#include "protocol/pg/statement_facts.hpp"
#include "protocol/pg/statement_reader.hpp"

#include "server/sql/statement_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

namespace sluice::sql {

struct MemoLimits {
    /// Texts remembered. At least 1.
    std::uint32_t entries_max = 4096;
    /// What they and their facts occupy; what is parsed is used even if it cannot be kept.
    std::size_t bytes_max = 4U * 1024U * 1024U;
    /// Longer texts are parsed each time: they are hardly ever sent twice.
    std::size_t text_bytes_max = 8 * 1024;
};

/// Plain integers, since the memo was made.
struct MemoCounters {
    std::uint64_t hits = 0;
    std::uint64_t misses = 0;     ///< Parsed, remembered or not.
    std::uint64_t evictions = 0;  ///< To make room for another.
    std::uint64_t parse_nanoseconds = 0;
};

/// What texts do, parsed once each: the least recently used are forgotten first.
///
/// A text is found by all of its bytes. The hash has a seed, for clients choose the texts. Most say
/// nothing of interest and share the facts of their kind.
///
/// Confined to: its worker.
class StatementMemo final : public pg::StatementReader {
  public:
    StatementMemo(MemoLimits limits, std::uint64_t seed);
    ~StatementMemo() override;

    [[nodiscard]] const pg::StatementFacts& read(std::string_view text) override;

    [[nodiscard]] const MemoCounters& counters() const noexcept { return counters_; }
    [[nodiscard]] std::uint32_t entry_count() const noexcept { return entry_count_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

  private:
    /// A place in entries_; zero is the head of the ring of all, in the order of their use.
    using Index = std::uint32_t;
    struct Entry {
        std::unique_ptr<char[]> text;
        std::uint32_t text_bytes = 0;
        std::uint32_t hash = 0;
        /// Of its own, or those that all of its kind share.
        std::unique_ptr<const pg::StatementFacts> own;
        const pg::StatementFacts* facts = nullptr;
        Index next_in_bucket = 0;
        Index newer = 0;
        Index older = 0;
    };

    [[nodiscard]] Index find(std::string_view text, std::uint32_t hash) const noexcept;
    [[nodiscard]] pg::StatementFacts parse(std::string_view text);
    const pg::StatementFacts& remember(std::string_view text, std::uint32_t hash,
                                       pg::StatementFacts facts);
    void forget_oldest() noexcept;
    void unlink(Index index) noexcept;
    void link_newest(Index index) noexcept;
    [[nodiscard]] Index& bucket(std::uint32_t hash) noexcept {
        return buckets_[hash & (buckets_.size() - 1)];
    }
    [[nodiscard]] static std::size_t bytes_of(const Entry& entry) noexcept;

    MemoLimits limits_;
    std::uint64_t seed_;
    MemoCounters counters_;
    std::vector<Index> buckets_;  ///< A power of two.
    std::vector<Entry> entries_;
    Index free_ = 0;  ///< Chained by next_in_bucket.
    std::uint32_t entry_count_ = 0;
    std::size_t bytes_ = 0;
    pg::StatementFacts unremembered_;  ///< The latest that is not kept.
    StatementParser parser_;
};

}  // namespace sluice::sql
