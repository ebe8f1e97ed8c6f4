// What a client was told of a statement's result, and what it is given.

#include "protocol/pg/error_fields.hpp"
#include "protocol/pg/result_shape.hpp"

#include "statement_line.hpp"

namespace sluice::pg::test {
namespace {

const std::string parse_s = parse_frame("s", "SELECT a FROM t");
const std::string bind_s = bind_frame("", "s");
const std::string use_s = bind_s + execute_frame() + sync_frame;
const std::string describe_portal = describe_frame('P', "");

/// One column of this type, of a table, in text or binary.
std::string rows_of(std::uint32_t type, std::uint32_t table = 7, std::uint16_t format = 0) {
    std::string body;
    wire::Writer(body).u16(1).c_string("a").u32(table).u16(1).u32(type).u16(4).u32(1).u16(format);
    return frame('T', body);
}

ResultShape shape_of_frame(const std::string& described) {
    return shape_of(wire::as_bytes(described).subspan(frame_header_bytes));
}

/// A client that was told, on a backend that it does not have any more.
struct Told : Line {
    Told() {
        send(parse_s + describe_frame('S', "s") + sync_frame);
        receive(replies("1 t") + rows_of(23) + replies("Z"));
        other_backend();
    }
    void other_backend() {
        lease_another_backend();
        sent();
        heard();
    }
};

TEST(ResultShape, is_of_names_and_types) {
    const ResultShape shape = shape_of_frame(rows_of(23));
    EXPECT_EQ(shape, shape_of_frame(rows_of(23, 8, 1))) << "another table, another format";
    EXPECT_NE(shape, shape_of_frame(rows_of(700)));
    EXPECT_NE(shape, no_rows);
    EXPECT_EQ(shape_of({}), unseen_rows) << "cut short";
}

TEST(StatementResults, binds_at_once_where_it_was_told) {
    Line line;
    line.ask(parse_s + describe_frame('S', "s") + sync_frame, "1 t T Z");
    line.sent();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
}

TEST(StatementResults, asks_another_backend_once) {
    Told line;
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Psluice_1 Dsluice_1 H") << "and waits";
    line.receive(replies("1 t") + rows_of(23, 9));
    EXPECT_EQ(line.heard(), "") << "that was ours";
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
    line.receive(replies("2 D C Z"));
    EXPECT_EQ(line.heard(), "2DCZ");
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
}

TEST(StatementResults, refuses_rows_that_are_not_as_told) {
    Told line;
    line.send(use_s);
    line.sent();
    line.receive(replies("1 t") + rows_of(700));
    EXPECT_EQ(line.sent(), "Bsluice_none E S") << "which PostgreSQL refuses";
    line.receive(replies("E"));
    EXPECT_EQ(line.backend.failed().twist, Twist::outdated);
    line.receive(replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    line.send(close_frame('S', "s") + parse_s + use_s);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S") << "parsed again, it may return anything";
}

TEST(StatementResults, lets_pass_what_is_described_in_the_same_breath) {
    Told line;
    line.send(bind_s + describe_portal + execute_frame() + sync_frame);
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 D E S");
    line.receive(replies("1 2") + rows_of(700) + replies("D C Z"));
    EXPECT_EQ(line.heard(), "2TDCZ");
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Bsluice_1 E S") << "it was told of the new ones";
}

TEST(StatementResults, holds_those_to_nothing_who_were_told_nothing) {
    Line line;
    line.ask(parse_s + use_s, "1 2 D C Z");
    line.lease_another_backend();
    line.sent();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 E S");
}

TEST(StatementResults, learns_from_the_description_of_a_portal) {
    Line line;
    line.send(parse_s + bind_s + describe_portal + execute_frame() + sync_frame);
    line.receive(replies("1 2") + rows_of(23) + replies("D C Z"));
    line.lease_another_backend();
    line.sent();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Psluice_1 Dsluice_1 H");
}

TEST(StatementResults, learns_nothing_from_another_portal_of_the_same_name) {
    const std::string other = parse_frame("", "SELECT b FROM t") + bind_frame("", "") +
                              describe_portal + execute_frame() + sync_frame;
    Line line;
    line.ask(parse_s + use_s, "1 2 D C Z");
    for (int time = 0; time < 2; ++time) {
        line.send(other);
        line.receive(replies("1 2") + rows_of(700) + replies("D C Z"));
    }
    line.lease_another_backend();
    line.sent();
    line.send(use_s);
    EXPECT_EQ(line.sent(), "Psluice_1 Bsluice_1 E S") << "nobody has told it anything";
}

const std::string parse_unnamed = parse_frame("", "SELECT a FROM t");
const std::string use_unnamed = bind_frame("", "") + execute_frame() + sync_frame;

/// Likewise, of a statement without a name.
struct ToldUnnamed : Line {
    ToldUnnamed() {
        send(parse_unnamed + describe_frame('S', "") + sync_frame);
        receive(replies("1 t") + rows_of(23) + replies("Z"));
        sent();
        heard();
    }
};

TEST(StatementResults, binds_an_unnamed_one_at_once_where_it_was_told) {
    ToldUnnamed line;
    line.send(use_unnamed);
    EXPECT_EQ(line.sent(), "B E S");
}

TEST(StatementResults, asks_another_backend_of_an_unnamed_one_under_a_name) {
    ToldUnnamed line;
    line.lease_another_backend();
    line.sent();
    line.send(use_unnamed);
    EXPECT_EQ(line.sent(), "Psluice_1 Dsluice_1 H") << "and waits";
    line.receive(replies("1 t") + rows_of(23));
    EXPECT_EQ(line.sent(), "Bsluice_1 E S");
    line.receive(replies("2 D C Z"));
    EXPECT_EQ(line.heard(), "2DCZ");
}

TEST(StatementResults, refuses_rows_of_an_unnamed_one_that_are_not_as_told) {
    ToldUnnamed line;
    line.lease_another_backend();
    line.sent();
    line.send(use_unnamed);
    line.sent();
    line.receive(replies("1 t") + rows_of(700));
    EXPECT_EQ(line.sent(), "Bsluice_none E S");
    line.receive(replies("E Z"));
    EXPECT_EQ(line.heard(), "EZ");
    line.send(parse_unnamed + use_unnamed);
    line.receive(replies("2 D C Z"));
    EXPECT_EQ(line.heard(), "12DCZ") << "parsed again, it may return anything";
}

TEST(StatementResults, lets_an_unnamed_one_pass_that_is_described_in_the_same_breath) {
    ToldUnnamed line;
    line.lease_another_backend();
    line.sent();
    line.send(bind_frame("", "") + describe_portal + execute_frame() + sync_frame);
    EXPECT_EQ(line.sent(), "P B D E S");
}

TEST(StatementResults, does_not_send_again_for_one_who_was_told) {
    Line line;
    line.ask(parse_s + describe_frame('S', "s") + sync_frame, "1 t T Z");
    line.send(use_s);
    line.sent();
    line.heard();
    std::string outdated;
    append_outdated_plan_error(outdated);
    line.receive(outdated + replies("Z"));
    EXPECT_EQ(line.heard(), "EZ");
    EXPECT_EQ(line.sent(), "");
    EXPECT_EQ(line.backend.take_schema_change(), SchemaChange::results);
}

}  // namespace
}  // namespace sluice::pg::test
