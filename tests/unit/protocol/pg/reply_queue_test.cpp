#include "protocol/pg/reply_queue.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <vector>

namespace sluice::pg {
namespace {

constexpr Owed kinds[] = {Owed::parse, Owed::bind, Owed::execute, Owed::sync, Owed::query};

std::vector<Owed> contents(const ReplyQueue& queue) {
    std::vector<Owed> out;
    for (std::size_t index = 0; index < queue.size(); ++index)
        out.push_back(queue.at(index).owed);
    return out;
}

TEST(ReplyQueue, keeps_order_while_it_wraps_and_grows) {
    ReplyQueue queue;
    std::deque<Owed> expected;
    std::size_t next = 0;
    for (std::size_t round = 0; round < 300; ++round) {
        for (std::size_t i = 0; i < round % 7; ++i) {
            const Owed owed = kinds[next++ % std::size(kinds)];
            queue.push({owed, Audience::client});
            expected.push_back(owed);
        }
        for (std::size_t i = 0; i < round % 5 && !queue.empty(); ++i) {
            ASSERT_EQ(queue.front().owed, expected.front());
            queue.pop();
            expected.pop_front();
        }
        ASSERT_EQ(contents(queue), std::vector<Owed>(expected.begin(), expected.end()));
    }
    queue.clear();
    EXPECT_TRUE(queue.empty());
}

TEST(ReplyQueue, keeps_the_audience) {
    ReplyQueue queue;
    queue.push({Owed::close, Audience::nobody});
    queue.push({Owed::bind, Audience::client});
    EXPECT_EQ(queue.front().audience, Audience::nobody);
    queue.pop();
    EXPECT_EQ(queue.front().audience, Audience::client);
}

TEST(ReplyQueue, drops_entries_behind_the_front_up_to_the_one_that_stops_it) {
    const auto is_sync = [](OwedReply entry) { return entry.owed == Owed::sync; };
    const auto is_end = [](OwedReply entry) { return entry.owed == Owed::copy_end; };
    // At every place of the ring, so that the entries lie across its end.
    for (std::size_t skipped = 0; skipped < 40; ++skipped) {
        ReplyQueue queue;
        for (std::size_t i = 0; i < skipped; ++i) {
            queue.push({Owed::parse});
            queue.pop();
        }
        for (const Owed owed :
             {Owed::sync, Owed::sync, Owed::bind, Owed::copy_end, Owed::sync, Owed::copy_end}) {
            queue.push({owed});
        }
        EXPECT_TRUE(queue.drop_behind_front(is_sync, is_end));
        EXPECT_EQ(contents(queue),
                  (std::vector<Owed>{Owed::sync, Owed::bind, Owed::sync, Owed::copy_end}));
        EXPECT_TRUE(queue.drop_behind_front(is_sync, is_end));
        EXPECT_FALSE(queue.drop_behind_front(is_sync, is_end));
        EXPECT_EQ(contents(queue), (std::vector<Owed>{Owed::sync, Owed::bind}));
    }
}

TEST(ReplyQueue, drops_nothing_from_an_empty_queue) {
    const auto always = [](OwedReply) { return true; };
    ReplyQueue queue;
    EXPECT_FALSE(queue.drop_behind_front(always, always));
    EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace sluice::pg
