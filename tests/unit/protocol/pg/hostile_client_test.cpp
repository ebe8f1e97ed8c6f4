#include "protocol/pg/unknown_message.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::pg::test {
namespace {

constexpr std::string_view known_types = "BCcdDEfFHPQSXp";

TEST(HostileClient, sends_unknown_types) {
    for (unsigned byte = 0; byte < 256; ++byte) {
        const char type = static_cast<char>(byte);
        for (const bool leased : {false, true}) {
            ClientTalk talk;
            talk.leased = leased;
            talk.receive(client_frame(type, "12345678"));
            if (known_types.find(type) == std::string_view::npos || type == 'p') {
                EXPECT_NE(talk.violation, "") << byte;
                EXPECT_EQ(talk.to_backend, "") << byte;
            }
        }
    }
}

TEST(HostileClient, sends_impossible_lengths) {
    for (const char type : known_types) {
        for (const std::string_view length :
             {std::string_view("\0\0\0\0", 4), std::string_view("\0\0\0\3", 4),
              std::string_view("\200\0\0\0", 4), std::string_view("\377\377\377\377", 4)}) {
            ClientTalk talk;
            talk.receive(type + std::string(length));
            EXPECT_EQ(talk.violation, ClientTalk::silence) << type;
        }
    }
}

TEST(HostileClient, sends_lengths_that_postgresql_would_not_read_either) {
    const std::string_view small_types("CDEHScfX");
    for (const char type : known_types) {
        const bool small = small_types.find(type) != std::string_view::npos;
        const std::string_view longest(small ? "\0\0\x27\x10" : "\x3f\xff\xff\xfe", 4);
        const std::string_view too_long(small ? "\0\0\x27\x11" : "\x3f\xff\xff\xff", 4);
        ClientTalk talk;
        talk.receive(type + std::string(longest));
        EXPECT_NE(talk.violation, ClientTalk::silence) << type;
        ClientTalk refused;
        refused.receive(type + std::string(too_long));
        EXPECT_EQ(refused.violation, ClientTalk::silence) << type;
        EXPECT_FALSE(refused.leased) << "no backend is asked for it";
    }
}

TEST(HostileClient, sends_frames_at_the_limit_and_one_byte_above) {
    constexpr std::uint32_t max = 100;
    ClientTalk talk(max);
    talk.receive(client_frame('Q', zero_ended(std::string(max - 1, 'x'))));
    EXPECT_EQ(talk.violation, "");
    talk.receive(client_frame('Q', zero_ended(std::string(max, 'x'))).substr(0, 5));
    EXPECT_EQ(talk.violation, "message is larger than allowed");
    ClientTalk refused(max);
    refused.refuses = true;
    refused.receive(parse_frame("", "SELECT 1") +
                    copy_data_frame(std::string(max + 1, 'x')).substr(0, 5));
    EXPECT_EQ(refused.violation, "message is larger than allowed");
}

TEST(HostileClient, sends_bodies_that_are_too_short_and_is_told_so_by_the_backend) {
    for (const std::string& frame :
         {client_frame('P', ""), client_frame('P', std::string(3, '\0')), client_frame('D', ""),
          client_frame('D', "S"), client_frame('F', std::string(3, '\0'))}) {
        ClientTalk::receive_in_pieces(frame, [&](const ClientTalk& talk) {
            EXPECT_EQ(talk.violation, "") << frame[0] << frame.size();
            EXPECT_TRUE(talk.to_backend.ends_with(frame)) << frame[0] << frame.size();
        });
    }
}

TEST(HostileClient, sends_a_sync_or_flush_with_a_body_and_is_told_so_by_the_backend) {
    for (const auto& [frame, owed] : {std::pair{client_frame('S', "x"), Owed::sync},
                                      std::pair{client_frame('H', "x"), Owed::bad_flush}}) {
        ClientTalk::receive_in_pieces(frame, [&frame, &owed](const ClientTalk& talk) {
            EXPECT_EQ(talk.violation, "");
            EXPECT_EQ(talk.to_backend, frame);
            EXPECT_EQ(talk.owed, std::vector<Owed>{owed});
        });
    }
}

TEST(HostileClient, is_told_the_number_of_an_unknown_type) {
    EXPECT_EQ(unknown_message_sentence('~'), "invalid frontend message type 126");
    EXPECT_EQ(unknown_message_sentence('\0'), "invalid frontend message type 0");
    EXPECT_EQ(unknown_message_sentence('\n'), "invalid frontend message type 10");
    EXPECT_EQ(unknown_message_sentence('\xff'), "invalid frontend message type 255");
    ClientTalk talk;
    talk.receive(client_frame('p', "secret"));
    EXPECT_EQ(talk.violation, "invalid frontend message type 112");
}

TEST(HostileClient, sends_texts_that_are_none_and_drops_no_statement_by_them) {
    for (const std::string& body :
         {std::string(), std::string("SELECT 1"), zero_ended("SELECT 1") + "more"}) {
        ClientTalk talk;
        talk.receive(client_frame('Q', body));
        EXPECT_EQ(talk.owed, std::vector<Owed>{Owed::function_call}) << body;
    }
}

TEST(HostileClient, sends_names_at_the_limit_and_one_byte_above) {
    constexpr std::size_t max = 4096;
    const std::string longest = parse_frame(std::string(max, 'p'), "s") + sync_frame;
    const std::string too_long = parse_frame(std::string(max + 1, 'p'), "s") + sync_frame;
    for (const std::size_t cut : {std::size_t{0}, std::size_t{6}, max, max + 5, max + 6, max + 7}) {
        ClientTalk talk;
        talk.receive(longest.substr(0, cut));
        talk.receive(longest.substr(cut));
        EXPECT_EQ(talk.violation, "") << cut;
        ClientTalk refused;
        refused.receive(too_long.substr(0, cut));
        refused.receive(too_long.substr(cut));
        EXPECT_EQ(refused.violation, "name in Parse message is too long") << cut;
    }
}

TEST(HostileClient, never_ends_a_name) {
    ClientTalk talk;
    talk.receive(std::string("P\77\377\377\376", 5) + std::string(4096, 'x'));
    EXPECT_EQ(talk.violation, "");
    talk.receive("x");
    EXPECT_NE(talk.violation, "") << "what is held is bounded";
}

TEST(HostileClient, never_ends_a_text) {
    ClientTalk talk;
    talk.receive(std::string("Q\77\377\377\376", 5));
    for (int piece = 0; piece < 100; ++piece)
        talk.receive(std::string(10'000, '\''));
    EXPECT_EQ(talk.violation, "");
    EXPECT_EQ(talk.pending, "") << "nothing is held";
}

TEST(HostileClient, sends_nothing_but_zeros) {
    ClientTalk talk;
    talk.receive(std::string(100, '\0'));
    EXPECT_NE(talk.violation, "");
}

}  // namespace
}  // namespace sluice::pg::test
