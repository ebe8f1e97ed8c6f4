#include "backend_talk.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

TEST(HostileBackend, takes_no_reply_that_nobody_asked_for) {
    for (const char* const token :
         {"R", "K", "2", "3", "C", "W", "d",  "c", "G", "H",    "D",   "I",
          "V", "v", "n", "t", "1", "s", "ZI", "T", "x", "\x01", "\xff"}) {
        Talk talk;
        talk.receive(token);
        EXPECT_TRUE(talk.violated) << token;
    }
}

TEST(HostileBackend, takes_no_reply_out_of_order) {
    const struct {
        const char* sent;
        const char* allowed;
    } cases[] = {{"P", "1"},
                 {"B", "2"},
                 {"C", "3"},
                 {"D", "T n t"},
                 {"E", "D C I s H G d c"},
                 {"S", "ZI"},
                 {"F", "V ZI"},
                 {"Q", "T D C I H G d c ZI"}};
    for (const auto& one : cases) {
        for (const std::string& token : words("1 2 3 T n t D C I s H G d c V ZI R K W v")) {
            bool allowed = false;
            for (const std::string& good : words(one.allowed))
                allowed = allowed || good == token;
            Talk talk;
            talk.send(one.sent);
            talk.receive(token);
            EXPECT_EQ(talk.violated, !allowed) << one.sent << " answered by " << token;
        }
    }
}

TEST(HostileBackend, refuses_impossible_lengths) {
    for (const std::string_view header :
         {std::string_view("D\0\0\0\3", 5), std::string_view("D\0\0\0\0", 5),
          std::string_view("D\200\0\0\0", 5), std::string_view("D\377\377\377\377", 5)}) {
        Talk talk;
        talk.send("Q");
        talk.receive_bytes(header);
        EXPECT_TRUE(talk.violated);
    }
    Talk talk;
    talk.send("Q");
    talk.receive_bytes(std::string_view("D\177\377\377\377", 5));
    EXPECT_FALSE(talk.violated) << "the largest there is passes in pieces";
    EXPECT_TRUE(talk.session.within_frame());
}

TEST(HostileBackend, refuses_a_ready_for_query_of_another_length_or_status) {
    for (const std::string& bad : {frame('Z', ""), frame('Z', "II"), frame('Z', "X"),
                                   frame('Z', std::string_view("\0", 1))}) {
        Talk talk;
        talk.send("Q");
        talk.receive_bytes(bad);
        EXPECT_TRUE(talk.violated);
    }
    Talk talk;
    talk.send("Q");
    talk.receive_bytes(std::string_view("Z\0\1\0\0", 5));
    EXPECT_TRUE(talk.violated) << "refused by its header";
}

TEST(HostileBackend, limits_what_is_read_in_one_piece) {
    constexpr std::size_t max = std::size_t{64} * 1024;
    Talk talk;
    talk.receive_bytes(frame('S', std::string(max, 'x')));
    EXPECT_FALSE(talk.violated);
    EXPECT_EQ(talk.parameters.size(), 1U);
    talk.receive_bytes(frame('S', std::string(max + 1, 'x')).substr(0, frame_header_bytes));
    EXPECT_TRUE(talk.violated);
}

TEST(HostileBackend, passes_a_large_frame_on_as_it_comes) {
    Talk talk;
    talk.send("Q");
    const std::string row = frame('D', std::string(1'000'000, 'Z'));
    talk.receive_bytes(std::string_view(row).substr(0, 5));
    EXPECT_EQ(talk.to_client.size(), 5U);
    talk.receive_bytes(std::string_view(row).substr(5, 70'000));
    EXPECT_EQ(talk.to_client.size(), 70'005U) << "nothing is held back";
    talk.receive_bytes(std::string_view(row).substr(70'005));
    talk.receive("C ZI");
    EXPECT_TRUE(talk.session.releasable());
}

}  // namespace
}  // namespace sluice::pg::test
