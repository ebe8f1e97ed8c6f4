// Blocks that are begun without a backend: what the client is told, what the backend is sent in
// the end, and what becomes of them when BEGIN fails after all.

#include "protocol/pg/block_request.hpp"

#include "statement_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

/// A line whose client has no backend before it needs one, as the relay does it.
struct Block : Line {
    using Line::Line;
    bool leased = false;
    bool refuses = false;

    void say(std::string_view bytes) {
        pending += bytes;
        while (!leased) {
            const Wants wants = client.wants(wire::as_bytes(pending));
            if (wants == Wants::more_bytes) return;
            if (wants == Wants::backend) {
                const auto deferral = client.defer(wire::as_bytes(pending), desk, 0);
                if (deferral.kind == ClientSession::Deferral::Kind::more_bytes) return;
                to_client += deferral.reply;
                pending.erase(0, deferral.bytes);
                if (deferral.kind != ClientSession::Deferral::Kind::none) continue;
                if (!refuses) {
                    leased = true;
                    break;
                }
                client.refuse();
            }
            const auto step = client.next(wire::as_bytes(pending), Lending::none);
            if (step.kind == StepKind::read_more) return;
            to_client += step.reply;
            pending.erase(0, step.bytes);
        }
        send({});
    }
    /// As receive, with the relay's part in a BEGIN that fails.
    void answer(std::string_view tokens) {
        std::string left = replies(tokens);
        while (true) {
            const BackendRun run = backend.next(wire::as_bytes(left));
            ASSERT_NE(run.event, BackendEvent::violation);
            if (run.bytes == 0) break;
            std::string bytes = left.substr(0, run.bytes);
            left.erase(0, run.bytes);
            if (run.event == BackendEvent::renamed_error &&
                backend.failed().twist == Twist::begins) {
                client.begin_failed();
            }
            if (run.audience != Audience::client) continue;
            if (run.event == BackendEvent::ready && client.begin_has_failed()) {
                bytes.back() = 'E';
                client.lose_begin();
            }
            to_client += bytes;
        }
        if (waits && !client.in_failed_block()) send({});
    }
    void end() {
        EXPECT_TRUE(backend.releasable());
        leased = false;
        client.lease_ended();
    }
    /// The last byte that the client got: of a ReadyForQuery, the status.
    [[nodiscard]] char status() const { return to_client.empty() ? ' ' : to_client.back(); }
};

const std::string begin = query_frame("BEGIN");
const std::string begin_batch = parse_frame("", "BEGIN") + bind_frame("", "") +
                                describe_frame('P', "") + execute_frame() + sync_frame;

TEST(DeferredBegin, takes_no_backend_until_the_first_statement) {
    for (const bool bytewise : {false, true}) {
        Block block;
        if (bytewise) {
            for (const char byte : begin)
                block.say({&byte, 1});
        } else {
            block.say(begin);
        }
        EXPECT_FALSE(block.leased);
        EXPECT_TRUE(block.client.begin_promised());
        EXPECT_EQ(block.status(), 'T');
        EXPECT_EQ(block.heard(), "CZ");
        block.say(query_frame("SELECT 1"));
        EXPECT_EQ(block.sent(), "P B E Q S");
        EXPECT_FALSE(block.backend.outside_block());
        block.answer("1 2 C T D C ZT ZT");
        EXPECT_EQ(block.heard(), "TDCZ");
        EXPECT_FALSE(block.backend.releasable());
        block.say(query_frame("COMMIT"));
        EXPECT_EQ(block.sent(), "Q");
        block.answer("C ZI");
        EXPECT_TRUE(block.backend.releasable());
    }
}

TEST(DeferredBegin, answers_what_postgresql_answers) {
    std::string words;
    const auto answer = [&](const std::string& frames) {
        words.clear();
        append_block_answer(words, read_block_request(wire::as_bytes(frames), nullptr));
        return words;
    };
    EXPECT_EQ(answer(query_frame("START TRANSACTION READ ONLY;")),
              frame('C', std::string_view("START TRANSACTION\0", 18)) + frame('Z', "T"));
    EXPECT_EQ(answer(query_frame("END")),
              frame('C', std::string_view("COMMIT\0", 7)) + frame('Z', "I"));
    EXPECT_EQ(answer(parse_frame("s", "BEGIN") + describe_frame('S', "s") + bind_frame("", "s") +
                     describe_frame('P', "") + execute_frame() + sync_frame),
              frame('1', "") + frame('t', std::string_view("\0\0", 2)) + frame('n', "") +
                  frame('2', "") + frame('n', "") + frame('C', std::string_view("BEGIN\0", 6)) +
                  frame('Z', "T"));
}

TEST(DeferredBegin, needs_no_backend_for_a_block_of_nothing) {
    for (const std::string_view end : {"COMMIT", "ROLLBACK", "END", "ABORT"}) {
        Block block;
        block.say(begin_batch + query_frame(end));
        EXPECT_EQ(block.heard(), "12nCZCZ");
        block.say(begin + parse_frame("e", end) + bind_frame("", "e") + execute_frame() +
                  sync_frame);
        EXPECT_EQ(block.status(), 'I');
        block.say(begin + bind_frame("", "e") + execute_frame() + sync_frame);
        EXPECT_EQ(block.heard(), "CZ12CZCZ2CZ") << "a statement that it holds";
        EXPECT_FALSE(block.leased);
        EXPECT_FALSE(block.client.begin_promised());
        EXPECT_EQ(block.sent(), "");
    }
}

TEST(DeferredBegin, answers_sync_and_flush_in_the_block) {
    Block block;
    block.say(begin + sync_frame + flush_frame);
    EXPECT_EQ(block.status(), 'T');
    EXPECT_EQ(block.heard(), "CZZ");
    EXPECT_FALSE(block.leased);
}

TEST(DeferredBegin, goes_in_front_of_a_batch) {
    Block block;
    block.say(begin_batch);
    block.heard();
    block.say(parse_frame("", "SELECT 1") + bind_frame("", "") + execute_frame() + sync_frame +
              query_frame("SELECT 2"));
    EXPECT_EQ(block.sent(), "P B E P B E S") << "what comes behind waits for the answer to BEGIN";
    block.answer("1 2 C 1 2");
    EXPECT_EQ(block.sent(), "Q");
    block.answer("D C ZT T D C ZT");
    EXPECT_EQ(block.heard(), "12DCZTDCZ");
}

TEST(DeferredBegin, leaves_other_texts_to_the_server) {
    for (const std::string_view text :
         {"BEGIN READ WRITE", "BEGIN nonsense", "BEGIN; SELECT 1", "COMMIT", "ROLLBACK", ""}) {
        Block block;
        block.say(query_frame(text));
        EXPECT_TRUE(block.leased) << text;
        EXPECT_EQ(block.sent(), "Q");
    }
    for (const std::string& frames :
         {parse_frame("", "BEGIN") + bind_frame("", "") + execute_frame() + flush_frame,
          parse_frame("", "BEGIN") + bind_frame("p", "") + execute_frame() + sync_frame,
          parse_frame("", "BEGIN") + bind_frame("", "s") + execute_frame() + sync_frame,
          parse_frame("", "BEGIN") + sync_frame, parse_frame("", "BEGIN") + bind_frame("", ""),
          bind_frame("", "") + execute_frame() + sync_frame,
          begin_batch.substr(0, begin_batch.size() - 1)}) {
        Block block;
        block.say(frames);
        EXPECT_TRUE(block.leased);
        EXPECT_EQ(block.heard(), "");
    }
    Block block;
    block.say(begin + begin);
    EXPECT_EQ(block.sent(), "P B E Q S") << "the warning of a second BEGIN is the server's";
}

TEST(DeferredBegin, refuses_no_name_itself) {
    Block block;
    const std::string named =
        parse_frame("s", "BEGIN") + bind_frame("", "s") + execute_frame() + sync_frame;
    block.say(named + query_frame("COMMIT"));
    EXPECT_EQ(block.heard(), "12CZCZ");
    block.say(named);
    EXPECT_TRUE(block.leased) << "the name is taken, which PostgreSQL says";
}

TEST(DeferredBegin, drops_the_unnamed_statement_as_a_query_does) {
    Block block;
    block.say(parse_frame("", "SELECT 1") + sync_frame);
    block.answer("1 ZI");
    block.end();
    block.sent();
    block.say(begin);
    EXPECT_FALSE(block.client.statements()->has_unnamed());
    block.say(bind_frame("", "") + sync_frame);
    EXPECT_EQ(block.sent(), "P B E C B S") << "closed, so that the server says that there is none";
}

TEST(DeferredBegin, that_fails_is_an_error_of_the_first_request) {
    for (const std::string& request :
         {query_frame("SELECT 1"),
          parse_frame("", "SELECT 1") + bind_frame("", "") + execute_frame() + sync_frame}) {
        Block block;
        block.say(begin + request);
        block.heard();
        block.say(query_frame("INSERT"));
        block.answer("1 2 E ZI");
        EXPECT_EQ(block.status(), 'E') << "for the client the block has failed";
        EXPECT_EQ(block.heard(), "EZ");
        EXPECT_TRUE(block.client.in_failed_block());
        EXPECT_TRUE(block.backend.releasable());
    }
}

TEST(DeferredBegin, waits_before_what_no_sync_may_follow) {
    for (const std::string& request : {query_frame("Copy t FROM STDIN"), function_call_frame(1000),
                                       query_frame(std::string(70'000, ' '))}) {
        Block block;
        block.say(begin);
        block.heard();
        block.say(std::string_view(request).substr(0, 1000));
        EXPECT_EQ(block.sent(), "P B E S");
        block.answer("1 2 C ZT");
        EXPECT_EQ(block.sent(), std::string(1, request[0]));
        EXPECT_EQ(block.heard(), "");
    }
}

TEST(DeferredBegin, that_fails_alone_refuses_its_request) {
    Block block;
    block.say(begin);
    block.heard();
    block.say(query_frame("COPY t FROM STDIN"));
    block.sent();
    block.answer("1 E ZI");
    EXPECT_EQ(block.sent(), "") << "a COPY outside of its block";
    block.end();
    EXPECT_TRUE(block.client.in_failed_block());
    block.say({});
    EXPECT_EQ(block.status(), 'E');
    EXPECT_EQ(block.heard(), "EZ");
}

TEST(DeferredBegin, is_lost_with_a_refused_request) {
    Block block;
    block.say(begin);
    block.refuses = true;
    block.heard();
    block.say(query_frame("SELECT 1"));
    EXPECT_EQ(block.status(), 'E') << "no backend could be had: as any error in a block";
    EXPECT_TRUE(block.client.in_failed_block());
    EXPECT_FALSE(block.client.begin_promised());
}

TEST(DeferredBegin, survives_a_lease_without_a_request) {
    Block block;
    block.say(begin);
    const std::string request = query_frame("SELECT 1" + std::string(200, ' '));
    block.say(request.substr(0, 7));
    EXPECT_TRUE(block.leased);
    EXPECT_EQ(block.sent(), "");
    block.end();
    EXPECT_TRUE(block.client.begin_promised());
    block.say(request.substr(7));
    EXPECT_EQ(block.sent(), "P B E Q S");
}

}  // namespace
}  // namespace sluice::pg::test
