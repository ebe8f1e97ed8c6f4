// What a real PostgreSQL answered, replayed: conversations.txt is written by
// tests/integration/record_conversations.py, which says what its lines mean.

#include "backend_talk.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <string>
#include <vector>

namespace sluice::pg::test {
namespace {

struct Exchange {
    std::string sent;
    std::string received;
    std::string state;
};

struct Conversation {
    std::string name;
    std::vector<Exchange> exchanges;

    [[nodiscard]] std::string replies() const {
        std::string out;
        for (const Exchange& exchange : exchanges)
            out += test::replies(exchange.received);
        return out;
    }
};

std::vector<Conversation> recorded() {
    std::ifstream file(SLUICE_CONVERSATIONS_FILE);
    std::vector<Conversation> all;
    std::string line;
    while (std::getline(file, line)) {
        if (line.size() < 2 || line[1] != ' ') continue;
        const std::string rest = line.substr(2);
        if (line[0] == '#') all.push_back({rest, {}});
        if (line[0] == '>') all.back().exchanges.push_back({rest, "", ""});
        if (line[0] == '<') all.back().exchanges.back().received = rest;
        if (line[0] == '=') all.back().exchanges.back().state = rest;
    }
    return all;
}

/// Whether the backend may have read a Sync in a COPY or behind its failure, which nobody can
/// tell from outside until the next reply.
bool leaves_doubt(const Conversation& conversation) {
    const std::string& name = conversation.name;
    return name.find("extended copy refused by a trigger") == 0 ||
           name.find("extended copy, bad row, as libpq") == 0 ||
           name == "extended copy, bad row, two syncs at once" ||
           name == "extended copy, client fails, as libpq";
}

using Feed = std::function<void(Talk&, const std::string&)>;

void feed_whole(Talk& talk, const std::string& bytes) {
    talk.receive_bytes(bytes);
}
void feed_bytes(Talk& talk, const std::string& bytes) {
    for (const char byte : bytes)
        talk.receive_bytes(std::string_view(&byte, 1));
}

std::size_t ready_count(const std::string& replies) {
    std::size_t count = 0;
    for (std::size_t at = 0; at < replies.size();) {
        const FrameHeader header = read_frame_header(wire::as_bytes(replies).subspan(at));
        count += header.type == 'Z' ? 1U : 0U;
        at += frame_header_bytes + header.body_bytes;
    }
    return count;
}

void expect_state(const Talk& talk, const Conversation& conversation, const std::string& state) {
    const BackendSession& session = talk.session;
    if (state == "busy") {
        EXPECT_FALSE(session.settled());
    } else if (state == "closed") {
        EXPECT_FALSE(session.releasable());
    } else if (leaves_doubt(conversation) && !session.settled()) {
        EXPECT_FALSE(session.busy());
    } else {
        EXPECT_TRUE(session.settled());
        EXPECT_EQ(session.releasable(), state == "idle");
    }
}

TEST(RecordedConversations, are_many) {
    EXPECT_GE(recorded().size(), 80U);
}

TEST(RecordedConversations, are_followed_step_by_step) {
    for (const Conversation& conversation : recorded()) {
        for (const Feed& feed : {Feed(feed_whole), Feed(feed_bytes)}) {
            SCOPED_TRACE(conversation.name);
            Talk talk;
            for (const Exchange& exchange : conversation.exchanges) {
                SCOPED_TRACE(exchange.sent);
                talk.send(exchange.sent);
                feed(talk, test::replies(exchange.received));
                ASSERT_FALSE(talk.violated);
                expect_state(talk, conversation, exchange.state);
            }
            EXPECT_EQ(talk.to_client, conversation.replies());
            EXPECT_EQ(talk.ready_count, ready_count(conversation.replies()));
            EXPECT_EQ(talk.pending, "");
        }
    }
}

// The relay learns of replies later than the backend sent them: more may have gone out by then.
// The backend's answers depend on the order of what it reads alone, so the end must be the same.
TEST(RecordedConversations, are_followed_however_late_the_replies_come) {
    for (const Conversation& conversation : recorded()) {
        const auto& exchanges = conversation.exchanges;
        for (std::size_t ahead = 1; ahead <= exchanges.size(); ++ahead) {
            SCOPED_TRACE(conversation.name + ", ahead by " + std::to_string(ahead));
            Talk talk;
            for (std::size_t at = 0; at < exchanges.size() + ahead; ++at) {
                if (at < exchanges.size()) talk.send(exchanges[at].sent);
                if (at >= ahead) talk.receive(exchanges[at - ahead].received);
            }
            ASSERT_FALSE(talk.violated);
            EXPECT_EQ(talk.to_client, conversation.replies());
            if (!talk.session.in_doubt() || !leaves_doubt(conversation)) {
                expect_state(talk, conversation, exchanges.back().state);
            }
        }
    }
}

TEST(RecordedConversations, pass_on_the_same_bytes_however_they_are_cut) {
    for (const Conversation& conversation : recorded()) {
        SCOPED_TRACE(conversation.name);
        const std::string bytes = conversation.replies();
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            Talk talk;
            for (const Exchange& exchange : conversation.exchanges)
                talk.send(exchange.sent);
            talk.receive_bytes(bytes.substr(0, cut));
            talk.receive_bytes(bytes.substr(cut));
            ASSERT_FALSE(talk.violated);
            ASSERT_EQ(talk.to_client, bytes) << cut;
            ASSERT_EQ(talk.ready_count, ready_count(bytes)) << cut;
        }
    }
}

TEST(RecordedConversations, never_leave_a_backend_idle_that_still_owes_a_reply) {
    for (const Conversation& conversation : recorded()) {
        SCOPED_TRACE(conversation.name);
        Talk talk;
        for (const Exchange& exchange : conversation.exchanges) {
            talk.send(exchange.sent);
            const auto tokens = words(exchange.received);
            for (std::size_t at = 0; at < tokens.size(); ++at) {
                EXPECT_FALSE(talk.session.releasable()) << exchange.sent << " before reply " << at;
                talk.receive(tokens[at]);
            }
        }
    }
}

TEST(RecordedConversations, survive_an_error_in_place_of_any_reply) {
    for (const Conversation& conversation : recorded()) {
        SCOPED_TRACE(conversation.name);
        const auto tokens = [&] {
            std::vector<std::string> all;
            for (const Exchange& exchange : conversation.exchanges) {
                for (std::string& token : words(exchange.received))
                    all.push_back(token);
            }
            return all;
        }();
        for (std::size_t cut = 0; cut < tokens.size(); ++cut) {
            Talk talk;
            for (const Exchange& exchange : conversation.exchanges)
                talk.send(exchange.sent);
            for (std::size_t at = 0; at < cut; ++at)
                talk.receive(tokens[at]);
            talk.receive("E");
            EXPECT_FALSE(talk.violated);
            EXPECT_FALSE(talk.session.releasable()) << "its ReadyForQuery is missing, at " << cut;
            // One more for each that is owed, and the backend may go.
            for (int round = 0; round < 20 && !talk.session.settled(); ++round) {
                if (talk.session.in_doubt()) break;
                (void)talk.recover();
                talk.receive("ZI");
                if (talk.violated) break;
            }
        }
    }
}

}  // namespace
}  // namespace sluice::pg::test
