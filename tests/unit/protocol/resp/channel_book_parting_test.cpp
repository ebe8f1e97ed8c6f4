#include "channel_shelf.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

TEST(ChannelBook, the_last_client_of_a_channel_has_left_when_the_server_says_so) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    shelf.give(ann, "b");
    EXPECT_TRUE(shelf.subscribe(bob, {"b"}));
    shelf.acknowledge(bob);
    shelf.forget();
    EXPECT_FALSE(shelf.unsubscribe(ann, {"a", "b", "a"}));
    EXPECT_EQ(shelf.orders, request({"unsubscribe", "a"})) << "asked once, and b is bob's too";
    EXPECT_EQ(shelf.out,
              ack("unsubscribe", "a", 1) + ack("unsubscribe", "b", 0) + ack("unsubscribe", "a", 0));
    EXPECT_TRUE(shelf.book.parts(ann));
    EXPECT_FALSE(shelf.book.waits(ann));
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a")->subscribers, std::vector{ann})
        << "what is published until then is heard";
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "b")->subscribers, std::vector{bob});
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
    EXPECT_FALSE(shelf.book.parts(ann));
    EXPECT_FALSE(shelf.book.subscribed(ann));
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a"), nullptr);
    EXPECT_EQ(shelf.book.channel_count(), 1U);
}

TEST(ChannelBook, who_leaves_all_waits_for_the_last_of_them) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    shelf.give(ann, "a", ChannelKind::pattern);
    shelf.give(ann, "a", ChannelKind::shard);
    EXPECT_FALSE(shelf.book.part(ann, shelf.orders));
    EXPECT_EQ(shelf.book.counts_of(ann), (std::array<std::uint32_t, channel_kind_count>{}));
    // Each kind is answered in the order in which it was asked for, whichever that is.
    std::string orders = shelf.taken(shelf.orders);
    for (int left = 3; left > 0; --left) {
        EXPECT_TRUE(shelf.ready.empty());
        const ChannelKind kind =
            orders.starts_with(request({"unsubscribe", "a"}))    ? ChannelKind::channel
            : orders.starts_with(request({"punsubscribe", "a"})) ? ChannelKind::pattern
                                                                 : ChannelKind::shard;
        orders.erase(0, request({words_of(kind).unsubscribe, "a"}).size());
        EXPECT_TRUE(shelf.server_says(false, "a", kind));
    }
    EXPECT_EQ(shelf.ready, std::vector{ann});
    EXPECT_TRUE(shelf.book.empty());
    EXPECT_TRUE(shelf.book.part(ann, shelf.orders)) << "there is nothing to leave";
}

TEST(ChannelBook, a_channel_that_is_left_may_be_wanted_by_another_meanwhile) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    EXPECT_FALSE(shelf.unsubscribe(ann, {"a"}));
    EXPECT_FALSE(shelf.subscribe(bob, {"a"}));
    EXPECT_EQ(shelf.orders, request({"unsubscribe", "a"}) + request({"subscribe", "a"}));
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
    shelf.forget();
    EXPECT_TRUE(shelf.server_says(true, "a"));
    EXPECT_EQ(shelf.ready, std::vector{bob});
    shelf.acknowledge(bob);
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a")->subscribers, std::vector{bob});
    // Who has left comes back like everybody.
    EXPECT_TRUE(shelf.subscribe(ann, {"a"}));
}

TEST(ChannelBook, who_goes_while_it_leaves_is_told_nothing) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    shelf.give(ann, "b");
    EXPECT_FALSE(shelf.unsubscribe(ann, {"a"}));
    shelf.book.leave(ann, shelf.orders);
    EXPECT_EQ(shelf.orders, request({"unsubscribe", "a"}) + request({"unsubscribe", "b"}));
    EXPECT_TRUE(shelf.book.empty());
    EXPECT_EQ(shelf.book.subscription_count(), 0U);
    // Its number is another's by now.
    EXPECT_FALSE(shelf.subscribe(ann, {"c"}));
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_TRUE(shelf.server_says(false, "b"));
    EXPECT_TRUE(shelf.ready.empty());
    EXPECT_TRUE(shelf.server_says(true, "c"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
}

TEST(ChannelBook, leaves_at_once_where_nobody_can_be_asked) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    shelf.give(ann, "b");
    shelf.book.lost(shelf.ready);
    EXPECT_TRUE(shelf.unsubscribe(ann, {"a"}));
    EXPECT_EQ(shelf.orders, "");
    EXPECT_EQ(shelf.book.channel_count(), 1U);
    shelf.open();
    EXPECT_FALSE(shelf.unsubscribe(ann, {"b"})) << "asked for again, and given up behind it";
    EXPECT_TRUE(shelf.server_says(true, "b"));
    EXPECT_TRUE(shelf.ready.empty());
    EXPECT_TRUE(shelf.server_says(false, "b"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
    EXPECT_EQ(shelf.book.bytes(), 0U);
}

TEST(ChannelBook, does_not_keep_who_has_waited_too_long_to_leave) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    shelf.give(ann, "b");
    EXPECT_FALSE(shelf.unsubscribe(ann, {"a"}));
    shelf.book.stop_parting(ann);
    EXPECT_FALSE(shelf.book.parts(ann));
    EXPECT_EQ(shelf.book.count_of(ann), 1U);
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a"), nullptr);
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_TRUE(shelf.ready.empty());
}

TEST(ChannelBook, an_error_in_answer_to_unsubscribe_keeps_nobody) {
    Shelf shelf;
    shelf.open();
    shelf.give(ann, "a");
    EXPECT_FALSE(shelf.unsubscribe(ann, {"a"}));
    std::vector<Owner> refused;
    std::vector<Owner> expelled;
    EXPECT_TRUE(shelf.book.refused(refused, expelled, shelf.ready));
    EXPECT_TRUE(refused.empty() && expelled.empty());
    EXPECT_EQ(shelf.ready, std::vector{ann});
    EXPECT_TRUE(shelf.book.empty());
}

}  // namespace
}  // namespace sluice::resp::test
