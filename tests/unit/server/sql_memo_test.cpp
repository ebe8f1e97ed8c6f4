#include "server/sql/statement_memo.hpp"
#include "server/sql/text_hash.hpp"

#include <gtest/gtest.h>

#include <list>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace sluice::sql {
namespace {

std::string text_of(std::size_t number) {
    return "SET a = " + std::to_string(number + 1);
}

TEST(StatementMemo, parses_a_text_once) {
    StatementMemo memo({}, 1);
    const pg::StatementFacts* const first = &memo.read("SET a = 1");
    EXPECT_EQ(first->effects.at(0).name, "a");
    EXPECT_EQ(&memo.read(std::string("SET a = 1")), first);
    EXPECT_EQ(memo.read("SET a = 2").effects.at(0).value, "2");
    EXPECT_EQ(memo.counters().hits, 1U);
    EXPECT_EQ(memo.counters().misses, 2U);
    EXPECT_GT(memo.counters().parse_nanoseconds, 0U);
    EXPECT_EQ(memo.entry_count(), 2U);
}

TEST(StatementMemo, knows_texts_by_all_of_their_bytes) {
    using namespace std::string_literals;
    StatementMemo memo({}, 1);
    EXPECT_EQ(memo.read("SET a = 1").effects.size(), 1U);
    EXPECT_EQ(memo.read("SET a = 1 ").effects.size(), 1U);
    EXPECT_EQ(memo.read("SET A = 1").effects.size(), 1U);
    EXPECT_EQ(memo.read("").statements.size(), 0U);
    EXPECT_EQ(memo.read("SET a = 1\0"s).end, pg::ReadingEnd::zero_byte);
    EXPECT_EQ(memo.counters().hits, 0U);
    EXPECT_EQ(memo.counters().misses, 5U);
}

TEST(StatementMemo, shares_the_facts_of_plain_texts) {
    StatementMemo memo({}, 1);
    const auto& one = memo.read("SELECT 1");
    const std::size_t bytes = memo.bytes();
    EXPECT_EQ(&memo.read("SELECT 2"), &one);
    EXPECT_EQ(&pg::plain_facts(pg::StatementKind::select), &one);
    EXPECT_EQ(memo.bytes(), 2 * bytes);
    EXPECT_EQ(&memo.read("broken"), &pg::unread_facts(pg::ReadingEnd::not_parsed));
    EXPECT_EQ(&memo.read(";"), &pg::unread_facts(pg::ReadingEnd::whole));
    EXPECT_EQ(memo.read("SELECT 1; SELECT 2").statements.size(), 2U);
}

TEST(StatementMemo, forgets_the_least_recently_used_beyond_its_entries) {
    StatementMemo memo({.entries_max = 3}, 1);
    for (std::size_t i = 0; i < 3; ++i)
        static_cast<void>(memo.read(text_of(i)));
    static_cast<void>(memo.read(text_of(0)));
    EXPECT_EQ(memo.counters().evictions, 0U);
    static_cast<void>(memo.read(text_of(3)));  // In place of 1.
    EXPECT_EQ(memo.counters().evictions, 1U);
    EXPECT_EQ(memo.entry_count(), 3U);
    for (const std::size_t kept : {0U, 2U, 3U})
        static_cast<void>(memo.read(text_of(kept)));
    EXPECT_EQ(memo.counters().misses, 4U);
    static_cast<void>(memo.read(text_of(1)));
    EXPECT_EQ(memo.counters().misses, 5U);
}

TEST(StatementMemo, keeps_to_its_bytes) {
    StatementMemo measured({}, 1);
    static_cast<void>(measured.read(text_of(0)));
    const std::size_t each = measured.bytes();
    StatementMemo memo({.bytes_max = 2 * each}, 1);
    static_cast<void>(memo.read(text_of(0)));
    static_cast<void>(memo.read(text_of(1)));
    EXPECT_EQ(memo.entry_count(), 2U);
    EXPECT_EQ(memo.bytes(), 2 * each);
    static_cast<void>(memo.read(text_of(2)));
    EXPECT_EQ(memo.entry_count(), 2U);
    EXPECT_EQ(memo.counters().evictions, 1U);

    StatementMemo nothing({.bytes_max = each - 1}, 1);
    EXPECT_EQ(nothing.read(text_of(0)).effects.at(0).value, "1");
    EXPECT_EQ(nothing.read(text_of(1)).effects.at(0).value, "2");
    EXPECT_EQ(nothing.entry_count(), 0U);
    EXPECT_EQ(nothing.bytes(), 0U);
}

TEST(StatementMemo, does_not_remember_long_texts) {
    StatementMemo memo({.text_bytes_max = 9}, 1);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(memo.read("SET a = 1").effects.at(0).value, "1");
        EXPECT_EQ(memo.read("SET a = 10").effects.at(0).value, "10");
    }
    EXPECT_EQ(memo.entry_count(), 1U);
    EXPECT_EQ(memo.counters().hits, 1U);
    EXPECT_EQ(memo.counters().misses, 3U);
}

TEST(StatementMemo, one_entry_is_enough) {
    StatementMemo memo({.entries_max = 1}, 1);
    for (std::size_t i = 0; i < 5; ++i)
        EXPECT_EQ(memo.read(text_of(i)).effects.at(0).value, std::to_string(i + 1));
    EXPECT_EQ(memo.entry_count(), 1U);
    static_cast<void>(memo.read(text_of(4)));
    EXPECT_EQ(memo.counters().hits, 1U);
}

// Against the simplest thing that does the same.
TEST(StatementMemo, remembers_as_a_list_would) {
    std::mt19937 random(20);
    constexpr std::size_t entries = 20;
    StatementMemo memo({.entries_max = entries}, 7);
    std::list<std::size_t> model;  // Latest first.
    std::uint64_t hits = 0;
    for (int round = 0; round < 20'000; ++round) {
        const std::size_t number = random() % 40;
        EXPECT_EQ(memo.read(text_of(number)).effects.at(0).value, std::to_string(number + 1));
        const std::size_t before = model.size();
        model.remove(number);
        if (model.size() != before) ++hits;
        model.push_front(number);
        if (model.size() > entries) model.pop_back();
        ASSERT_EQ(memo.counters().hits, hits);
        ASSERT_EQ(memo.entry_count(), model.size());
    }
}

TEST(StatementMemo, serves_each_thread_by_itself) {
    std::vector<std::thread> threads;
    for (std::uint64_t seed = 0; seed < 4; ++seed) {
        threads.emplace_back([seed] {
            StatementMemo memo({.entries_max = 50}, seed);
            for (std::size_t i = 0; i < 300; ++i)
                EXPECT_EQ(memo.read(text_of(i % 60)).effects.at(0).name, "a");
            EXPECT_EQ(memo.read("broken").end, pg::ReadingEnd::not_parsed);
        });
    }
    for (std::thread& thread : threads)
        thread.join();
}

TEST(TextHash, tells_texts_and_seeds_apart) {
    std::set<std::uint64_t> seen;
    std::size_t count = 0;
    for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{1}, ~std::uint64_t{0}}) {
        for (std::size_t length = 0; length < 100; ++length) {
            const std::string same(length, 'a');
            seen.insert(text_hash(same, seed));
            ++count;
            for (std::size_t i = 0; i < length; ++i) {
                std::string other = same;
                other[i] = 'b';
                seen.insert(text_hash(other, seed));
                ++count;
            }
        }
    }
    EXPECT_EQ(seen.size(), count);
}

}  // namespace
}  // namespace sluice::sql
