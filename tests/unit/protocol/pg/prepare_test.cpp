// A Parse that is answered without a backend.

#include "statement_line.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace sluice::pg::test {
namespace {

using Kind = ClientSession::Deferral::Kind;

const std::string parse_s = parse_frame("s", "SELECT a FROM t") + sync_frame;
const std::string use_s = bind_frame("", "s") + execute_frame() + sync_frame;

/// Another client of the pool, which has no backend.
struct Unleased : Line {
    using Line::Line;

    ClientSession::Deferral prepare(std::string_view frames, std::uint32_t planning = 0) {
        return other.prepare(wire::as_bytes(frames), desk, planning);
    }
};

TEST(Prepare, answers_what_the_server_has_accepted) {
    Unleased line;
    line.ask(parse_s, "1 Z");
    const std::string frames = parse_s + use_s;
    const auto answer = line.prepare(frames);
    EXPECT_EQ(answer.kind, Kind::prepared);
    EXPECT_EQ(answer.bytes, parse_s.size()) << "and no more";
    EXPECT_EQ(answer.reply, replies("1 Z"));
    line.turn();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
    line.receive(replies("2 D C Z"));
    line.lease_another_backend();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 E S") << "taken along";
}

TEST(Prepare, leaves_to_the_server_what_it_has_not_accepted) {
    Unleased line;
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "nobody has sent it";
    line.send(parse_s);
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "not yet";
    line.receive(replies("E Z"));
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "it was refused";
    line.ask(parse_s, "1 Z");
    EXPECT_EQ(line.prepare(parse_s, 7).kind, Kind::none) << "under other settings";
    line.desk.generation = {SchemaGeneration::step(SchemaChange::meanings)};
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "of other tables";
}

TEST(Prepare, leaves_to_the_server_what_perhaps_one_transaction_knows) {
    Unleased line;
    line.ask(query_frame("BEGIN"), "C ZT");
    line.ask(parse_s, "1 ZT");
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "of a table that only that one sees";
    line.ask(query_frame("COMMIT"), "C Z");
    line.ask(parse_frame("again", "SELECT b FROM t") + sync_frame, "1 Z");
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none);
    EXPECT_EQ(line.prepare(parse_frame("s", "SELECT b FROM t") + sync_frame).kind, Kind::prepared);
}

TEST(Prepare, leaves_to_the_server_what_is_more_than_a_name_for_a_text) {
    Unleased line;
    line.ask(parse_s, "1 Z");
    EXPECT_EQ(line.prepare(parse_frame("s", "SELECT a FROM t")).kind, Kind::none) << "no Sync";
    EXPECT_EQ(line.prepare(parse_frame("s", "SELECT a FROM t") + describe_frame('S', "s")).kind,
              Kind::none);
    EXPECT_EQ(line.prepare(parse_frame("", "SELECT a FROM t") + sync_frame).kind, Kind::none);
    for (const std::string_view sql : {"SELECT pg_advisory_lock(1)", "SELECT 'now'::timestamp"}) {
        const std::string parse = parse_frame(sql.substr(0, 12), sql) + sync_frame;
        line.ask(parse, "1 Z");
        EXPECT_EQ(line.prepare(parse).kind, Kind::none) << sql;
    }
    for (std::size_t bytes = 0; bytes < parse_s.size(); ++bytes)
        EXPECT_EQ(line.prepare(parse_s.substr(0, bytes)).kind, Kind::none) << bytes;
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::prepared);
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::none) << "the name is taken";
}

TEST(Prepare, answers_begin_and_commit_which_no_server_refuses) {
    Unleased line;
    EXPECT_EQ(line.prepare(parse_frame("b", "BEGIN;") + sync_frame).kind, Kind::prepared);
    EXPECT_EQ(line.prepare(parse_frame("c", "COMMIT") + sync_frame).kind, Kind::prepared);
    EXPECT_EQ(line.prepare(parse_frame("d", "BEGIN; SELECT 1") + sync_frame).kind, Kind::none);
    const std::string odd = client_frame('P', std::string("e\0BEGIN\0\0", 9)) + sync_frame;
    EXPECT_EQ(line.prepare(odd).kind, Kind::none) << "malformed";
    const std::string types = client_frame('P', std::string("f\0BEGIN\0\0\1\0\0\0\0", 14));
    EXPECT_EQ(line.prepare(types + sync_frame).kind, Kind::none) << "with a parameter";
}

TEST(Prepare, keeps_the_limits_of_a_client) {
    StatementPolicy policy;
    policy.max_client_statements = 1;
    Unleased line(policy);
    line.ask(parse_s, "1 Z");
    EXPECT_EQ(line.prepare(parse_s).kind, Kind::prepared);
    EXPECT_EQ(line.prepare(parse_frame("more", "SELECT a FROM t") + sync_frame).kind, Kind::none);
}

}  // namespace
}  // namespace sluice::pg::test
