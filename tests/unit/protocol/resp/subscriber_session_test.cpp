#include "protocol/resp/subscriber_session.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sluice::resp::test {
namespace {

using Event = Heard::Event;

struct Seen {
    Event event;
    ChannelKind kind;
    std::string name;
    std::string bytes;
    bool operator==(const Seen&) const = default;
};

std::vector<Seen> all_of(const std::string& bytes, std::size_t piece) {
    SubscriberSession session;
    std::vector<Seen> seen;
    std::string kept;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
        kept += bytes.substr(at, piece);
        while (!kept.empty()) {
            const Heard heard = session.next(wire::as_bytes(kept));
            if (heard.event == Event::violation) {
                seen.push_back({heard.event, {}, {}, {}});
                return seen;
            }
            if (heard.event == Event::incomplete) break;
            seen.push_back(
                {heard.event, heard.kind, std::string(heard.name), kept.substr(0, heard.bytes)});
            kept.erase(0, heard.bytes);
        }
    }
    EXPECT_EQ(kept, "");
    return seen;
}

const std::string message = "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$5\r\na\r\n*1\r\n";
const std::string pattern = "*4\r\n$8\r\npmessage\r\n$2\r\nc*\r\n$2\r\nc1\r\n$0\r\n\r\n";
const std::string shard = "*3\r\n$8\r\nsmessage\r\n$1\r\ns\r\n$1\r\nx\r\n";
const std::string acked = "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n";
const std::string left = "*3\r\n$12\r\npunsubscribe\r\n$1\r\np\r\n:0\r\n";
const std::string refused = "-NOPERM no\r\n";
const std::string pong = "*2\r\n$4\r\npong\r\n$0\r\n\r\n";

TEST(SubscriberSession, hears_the_same_wherever_it_comes_apart) {
    const std::string all =
        acked + message + message + pattern + refused + shard + pong + "+PONG\r\n" + left;
    const std::vector<Seen> expected{
        {Event::subscribed, ChannelKind::channel, "c", acked},
        {Event::message, ChannelKind::channel, "c", message},
        {Event::message, ChannelKind::channel, "c", message},
        {Event::message, ChannelKind::pattern, "c*", pattern},
        {Event::error, ChannelKind::channel, "NOPERM no", refused},
        {Event::message, ChannelKind::shard, "s", shard},
        {Event::pong, ChannelKind::channel, "", pong},
        {Event::pong, ChannelKind::channel, "", "+PONG\r\n"},
        {Event::unsubscribed, ChannelKind::pattern, "p", left},
    };
    for (std::size_t piece = 1; piece <= all.size(); ++piece)
        EXPECT_EQ(all_of(all, piece), expected) << piece;
}

TEST(SubscriberSession, trusts_nothing_that_it_does_not_know) {
    for (const std::string bytes :
         {"+OK\r\n", ":1\r\n", "*0\r\n", "*1\r\n$1\r\nx\r\n", "*2\r\n$7\r\nmessage\r\n:1\r\n",
          "*3\r\n$4\r\nnope\r\n$1\r\na\r\n:1\r\n", "x", ">1\r\n$4\r\npong\r\n", "*-1\r\n",
          "$-1\r\n"}) {
        EXPECT_EQ(all_of(bytes, bytes.size()).back().event, Event::violation) << bytes;
    }
}

TEST(SubscriberSession, reads_over_what_is_not_wanted) {
    const std::string large =
        "*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$100\r\n" + std::string(100, 'x') + "\r\n";
    for (std::size_t piece = 30; piece < large.size(); ++piece) {
        SubscriberSession session;
        std::string kept = large.substr(0, piece);
        EXPECT_EQ(session.next(wire::as_bytes(kept)).event, Event::incomplete);
        const Heard front = front_of_message(wire::as_bytes(kept));
        EXPECT_EQ(front.event, Event::message);
        EXPECT_EQ(front.name, "c");
        kept.erase(0, session.skip_rest());
        EXPECT_TRUE(session.skipping());
        kept += large.substr(piece) + shard;
        const Heard rest = session.next(wire::as_bytes(kept));
        EXPECT_EQ(rest.event, Event::incomplete);
        kept.erase(0, rest.bytes);
        EXPECT_EQ(kept, shard) << piece;
        EXPECT_EQ(session.next(wire::as_bytes(kept)).event, Event::message);
    }
}

}  // namespace
}  // namespace sluice::resp::test
