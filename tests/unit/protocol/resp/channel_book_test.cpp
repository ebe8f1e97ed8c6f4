#include "channel_shelf.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

TEST(ChannelBook, acknowledges_with_the_clients_own_counts_when_the_server_has) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a", "b", "a"}));
    EXPECT_EQ(shelf.taken(shelf.orders), request({"subscribe", "a"}) + request({"subscribe", "b"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    EXPECT_TRUE(shelf.ready.empty());
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a"), nullptr) << "no message before the ack";
    EXPECT_TRUE(shelf.server_says(true, "b"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
    shelf.acknowledge(ann);
    EXPECT_EQ(shelf.taken(shelf.out),
              ack("subscribe", "a", 1) + ack("subscribe", "b", 2) + ack("subscribe", "a", 2));
    // Another's channel costs the server nothing; its counts are its own.
    EXPECT_TRUE(shelf.subscribe(bob, {"b"}));
    shelf.acknowledge(bob);
    EXPECT_EQ(shelf.taken(shelf.out), ack("subscribe", "b", 1));
    EXPECT_EQ(shelf.orders, "");
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "b")->subscribers.size(), 2U);
    EXPECT_EQ(shelf.book.subscription_count(), 3U);
}

TEST(ChannelBook, counts_patterns_with_channels_and_shard_channels_alone) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    shelf.acknowledge(ann);
    EXPECT_FALSE(shelf.subscribe(ann, {"a*"}, ChannelKind::pattern));
    EXPECT_TRUE(shelf.server_says(true, "a*", ChannelKind::pattern));
    shelf.acknowledge(ann);
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}, ChannelKind::shard));
    EXPECT_TRUE(shelf.server_says(true, "a", ChannelKind::shard));
    shelf.acknowledge(ann);
    EXPECT_EQ(shelf.taken(shelf.out),
              ack("subscribe", "a", 1) + ack("psubscribe", "a*", 2) + ack("ssubscribe", "a", 1));
    shelf.taken(shelf.orders);
    EXPECT_FALSE(shelf.unsubscribe(ann, {"no", "a"}));
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_FALSE(shelf.unsubscribe(ann, {}, ChannelKind::shard));
    EXPECT_TRUE(shelf.server_says(false, "a", ChannelKind::shard));
    EXPECT_TRUE(shelf.unsubscribe(ann, {}, ChannelKind::shard));
    EXPECT_TRUE(shelf.unsubscribe(ann, {}, ChannelKind::channel));
    EXPECT_EQ(shelf.out, ack("unsubscribe", "no", 2) + ack("unsubscribe", "a", 1) +
                             ack("sunsubscribe", "a", 0) +
                             "*3\r\n$12\r\nsunsubscribe\r\n$-1\r\n:0\r\n" +
                             "*3\r\n$11\r\nunsubscribe\r\n$-1\r\n:1\r\n");
    EXPECT_EQ(shelf.orders, request({"unsubscribe", "a"}) + request({"sunsubscribe", "a"}));
    EXPECT_EQ(shelf.book.count_of(ann), 1U);
}

TEST(ChannelBook, gives_a_channel_up_with_its_last_client_and_asks_again_for_the_next) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    shelf.acknowledge(ann);
    EXPECT_TRUE(shelf.subscribe(bob, {"a"}));
    shelf.acknowledge(bob);
    shelf.taken(shelf.orders);
    shelf.book.leave(ann, shelf.orders);
    EXPECT_EQ(shelf.orders, "");
    shelf.book.leave(bob, shelf.orders);
    EXPECT_EQ(shelf.taken(shelf.orders), request({"unsubscribe", "a"}));
    EXPECT_TRUE(shelf.book.empty());
    // The answer to the first is still to come, and is none to the second.
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_EQ(shelf.taken(shelf.orders), request({"subscribe", "a"}));
    shelf.ready.clear();
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_TRUE(shelf.ready.empty());
    EXPECT_TRUE(shelf.server_says(true, "a"));
    EXPECT_EQ(shelf.ready, std::vector{ann});
    shelf.book.leave(ann, shelf.orders);
    EXPECT_TRUE(shelf.server_says(false, "a"));
    EXPECT_EQ(shelf.book.channel_count(), 0U);
    EXPECT_EQ(shelf.book.bytes(), 0U);
}

TEST(ChannelBook, keeps_a_held_channel_for_who_waits_for_another) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    shelf.acknowledge(ann);
    EXPECT_FALSE(shelf.subscribe(bob, {"a", "b"}));
    shelf.taken(shelf.orders);
    shelf.book.leave(ann, shelf.orders);
    EXPECT_EQ(shelf.orders, "");
    EXPECT_TRUE(shelf.server_says(true, "b"));
    shelf.acknowledge(bob);
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a")->subscribers, std::vector{bob});
}

TEST(ChannelBook, refuses_just_those_who_want_what_the_server_refuses) {
    Shelf shelf;
    shelf.open();
    std::vector<Owner> refused;
    std::vector<Owner> expelled;
    EXPECT_FALSE(shelf.subscribe(ann, {"ok", "no"}));
    EXPECT_FALSE(shelf.subscribe(bob, {"ok"}));
    EXPECT_TRUE(shelf.server_says(true, "ok"));
    EXPECT_EQ(shelf.ready, std::vector{bob});
    shelf.acknowledge(bob);
    EXPECT_TRUE(shelf.book.refused(refused, expelled, shelf.ready));
    EXPECT_EQ(refused, std::vector{ann});
    EXPECT_TRUE(expelled.empty());
    shelf.taken(shelf.orders);
    shelf.book.withdraw(ann, shelf.orders);
    EXPECT_EQ(shelf.orders, "") << "one is still there, the other was never had";
    EXPECT_EQ(shelf.book.channel_count(), 1U);
    EXPECT_FALSE(shelf.book.refused(refused, expelled, shelf.ready)) << "nothing is asked";
}

TEST(ChannelBook, asks_for_everything_again_behind_a_loss) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a", "b"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    EXPECT_TRUE(shelf.server_says(true, "b"));
    shelf.acknowledge(ann);
    EXPECT_FALSE(shelf.subscribe(bob, {"a", "c"}));
    EXPECT_FALSE(shelf.unsubscribe(ann, {"b"}));
    shelf.forget();
    shelf.book.lost(shelf.ready);
    EXPECT_EQ(shelf.ready, std::vector{ann}) << "b went with the backend";
    EXPECT_FALSE(shelf.book.parts(ann));
    shelf.ready.clear();
    EXPECT_EQ(shelf.book.channel_count(), 2U) << "b is nobody's";
    shelf.open();
    EXPECT_EQ(shelf.orders.size(), 2 * request({"subscribe", "a"}).size());
    // Whichever of the two was asked for first.
    const bool a_first = shelf.orders.starts_with(request({"subscribe", "a"}));
    EXPECT_TRUE(shelf.server_says(true, a_first ? "a" : "c"));
    EXPECT_TRUE(shelf.ready.empty());
    EXPECT_TRUE(shelf.server_says(true, a_first ? "c" : "a"));
    EXPECT_EQ(shelf.ready, std::vector{bob});
    shelf.acknowledge(bob);
    EXPECT_EQ(shelf.out, ack("subscribe", "a", 1) + ack("subscribe", "c", 2));
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a")->subscribers.size(), 2U);
}

TEST(ChannelBook, expels_who_may_not_have_again_what_was_lost) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_TRUE(shelf.server_says(true, "a"));
    shelf.acknowledge(ann);
    shelf.ready.clear();
    shelf.book.lost(shelf.ready);
    EXPECT_TRUE(shelf.ready.empty());
    shelf.open();
    std::vector<Owner> refused;
    std::vector<Owner> expelled;
    EXPECT_TRUE(shelf.book.refused(refused, expelled, shelf.ready));
    EXPECT_TRUE(refused.empty());
    EXPECT_EQ(expelled, std::vector{ann});
    shelf.book.leave(ann, shelf.orders);
    EXPECT_EQ(shelf.book.channel_count(), 0U);
}

TEST(ChannelBook, does_not_trust_an_answer_to_what_was_not_asked) {
    Shelf shelf;
    shelf.open();
    EXPECT_FALSE(shelf.server_says(true, "a"));
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_FALSE(shelf.server_says(true, "b"));
    EXPECT_FALSE(shelf.server_says(false, "a"));
    EXPECT_FALSE(shelf.server_says(true, "a", ChannelKind::pattern));
    EXPECT_TRUE(shelf.server_says(true, "a"));
}

TEST(ChannelBook, waits_for_a_backend_that_is_not_there) {
    Shelf shelf;
    EXPECT_FALSE(shelf.subscribe(ann, {"a"}));
    EXPECT_EQ(shelf.orders, "");
    EXPECT_TRUE(shelf.book.waits(ann));
    shelf.open();
    EXPECT_EQ(shelf.orders, request({"subscribe", "a"}));
    shelf.book.withdraw(ann, shelf.orders);
    EXPECT_TRUE(shelf.book.empty());
    EXPECT_FALSE(shelf.book.settled());
}

TEST(ChannelBook, keeps_the_places_of_those_who_stay) {
    Shelf shelf;
    shelf.open();
    for (std::uint32_t owner = 1; owner <= 5; ++owner) {
        const bool held = shelf.subscribe(Owner{owner}, {"a"});
        EXPECT_EQ(held, owner > 1);
        if (!held) {
            EXPECT_TRUE(shelf.server_says(true, "a"));
        }
        shelf.acknowledge(Owner{owner});
    }
    for (const std::uint32_t owner : {3U, 1U, 5U}) {
        EXPECT_TRUE(shelf.unsubscribe(Owner{owner}, {"a"})) << "others stay";
        for (const Owner left : shelf.book.find(ChannelKind::channel, "a")->subscribers)
            EXPECT_TRUE(shelf.book.subscribed(left));
    }
    EXPECT_EQ(shelf.book.subscription_count(), 2U);
    EXPECT_EQ(shelf.book.find(ChannelKind::channel, "a")->subscribers.size(), 2U);
}

}  // namespace
}  // namespace sluice::resp::test
