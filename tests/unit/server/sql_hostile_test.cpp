// Texts by which a client might want to end the process: PostgreSQL's grammar runs inside it.

#include "server/sql/statement_parser.hpp"

#include <gtest/gtest.h>

#include <pthread.h>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {
namespace {

using pg::ReadingEnd;

constexpr std::size_t longest = StatementParser::text_bytes_max;

ReadingEnd end_of(std::string_view sql) {
    return std::make_unique<StatementParser>()->parse(sql).end;
}

std::string repeated(std::string_view part, std::size_t count) {
    std::string text;
    while (count-- > 0)
        text += part;
    return text;
}

/// Something nested: begun and ended as often as fits.
struct Nest {
    std::string_view front;
    std::string_view begin;
    std::string_view core;
    std::string_view end;
};

const std::vector<Nest> nests{
    {"SELECT ", "(", "1", ")"},
    {"SELECT ", "1+", "1", ""},
    {"SELECT ", "- ", "x", ""},
    {"SELECT ", "+-", "x", ""},
    {"SELECT ", "@ ", "x", ""},
    {"SELECT ARRAY", "[", "1", "]"},
    {"SELECT 1", "", "", "::a"},
    {"SELECT x", "", "", "[1]"},
    {"SELECT x", "", "", " ISNULL"},
    {"SELECT x", "", "", " COLLATE a"},
    {"SELECT x", "", "", "||x"},
    {"SELECT ", "f(", "1", ")"},
    {"SELECT ", "f(a=>", "1", ")"},
    {"SELECT ", "(SELECT ", "1", ")"},
    {"SELECT ", "NOT ", "x", ""},
    {"SELECT ", "CASE WHEN ", "x", " THEN 1 END"},
    {"SELECT ", "x OR x AND ", "x", ""},
    {"SELECT ", "ROW(", "1", ")"},
    {"SELECT 1", "", "", " UNION SELECT 1"},
    {"", "(", "SELECT 1", ")"},
    {"", "WITH a AS (", "SELECT 1", ") SELECT 1"},
    {"SELECT 1 FROM a", "", "", " CROSS JOIN b"},
    {"SELECT 1 FROM ", "(", "a JOIN b ON c", ")"},
    {"", "EXPLAIN ", "SELECT 1", ""},
    {"", "PREPARE a AS ", "SELECT 1", ""},
    {"CREATE TABLE t (a int CHECK ", "(", "1", "))"},
    {"SET a = ", "b, ", "c", ""},
    {"PREPARE a (int", "", "", "[]"},
};

std::string filled(const Nest& nest, std::size_t bytes_max) {
    const std::size_t once = nest.begin.size() + nest.end.size();
    const std::size_t count = (bytes_max - nest.front.size() - nest.core.size()) / once;
    return std::string(nest.front) + repeated(nest.begin, count) + std::string(nest.core) +
           repeated(nest.end, count);
}

void* read_all_nests(void* /*unused*/) {
    for (const Nest& nest : nests)
        static_cast<void>(end_of(filled(nest, longest)));
    return nullptr;
}

TEST(SqlHostile, nesting_takes_less_than_half_of_a_common_stack) {
    pthread_attr_t attributes;
    ASSERT_EQ(pthread_attr_init(&attributes), 0);
    ASSERT_EQ(pthread_attr_setstacksize(&attributes, std::size_t{3} << 20U), 0);
    pthread_t thread{};
    ASSERT_EQ(pthread_create(&thread, &attributes, read_all_nests, nullptr), 0);
    EXPECT_EQ(pthread_join(thread, nullptr), 0);
    EXPECT_EQ(pthread_attr_destroy(&attributes), 0);
}

TEST(SqlHostile, is_not_read_beyond_a_length) {
    const std::string_view front = "SET a = '";
    const std::string longest_text =
        std::string(front) + std::string(longest - front.size() - 1, 'x') + "'";
    ASSERT_EQ(longest_text.size(), longest);
    EXPECT_EQ(end_of(longest_text), ReadingEnd::whole);
    EXPECT_EQ(end_of(longest_text + " "), ReadingEnd::too_long);
    EXPECT_EQ(end_of("SELECT " + repeated("(", 100'000) + "1" + repeated(")", 100'000)),
              ReadingEnd::too_long);
    EXPECT_EQ(end_of("SELECT '" + std::string(10U << 20U, 'x') + "'"), ReadingEnd::too_long);
    EXPECT_EQ(end_of(std::string(10U << 20U, '\0')), ReadingEnd::too_long);
}

TEST(SqlHostile, is_not_read_beyond_a_depth) {
    EXPECT_EQ(end_of("SELECT " + repeated("1+", 300) + "1"), ReadingEnd::whole);
    EXPECT_EQ(end_of("SELECT " + repeated("1+", 2'000) + "1"), ReadingEnd::too_deep);
    EXPECT_EQ(end_of("SELECT " + repeated("(", 5'000) + "1" + repeated(")", 5'000)),
              ReadingEnd::whole);
    EXPECT_EQ(end_of("SELECT f" + repeated("(f", 7'000)), ReadingEnd::not_parsed);
}

TEST(SqlHostile, names_and_effects_without_end_are_borne) {
    std::string calls = "SELECT f0()";
    for (int i = 1; calls.size() < longest - 16; ++i)
        calls += ",f" + std::to_string(i) + "()";
    StatementParser parser;
    const auto facts = parser.parse(calls);
    EXPECT_TRUE(facts.has(pg::EffectKind::unknown_function));
    EXPECT_EQ(facts.effects.size(), 64U);
    EXPECT_EQ(parser.parse(repeated("END;", longest / 4)).effects.size(), longest / 4);
}

TEST(SqlHostile, bytes_that_are_no_text_are_borne) {
    using namespace std::string_literals;
    EXPECT_EQ(end_of("SELECT 1\0"s), ReadingEnd::zero_byte);
    EXPECT_EQ(end_of("SET a = '\0'"s), ReadingEnd::zero_byte);
    StatementParser parser;
    for (const std::string bytes :
         {"\xff\xfe", "\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\x80", "\xed\xa0\x80",
          "\xf8\x88\x80\x80\x80", "\x80", "\x01\x1f\x7f"}) {
        const auto facts = parser.parse("SET a = '" + bytes + "'");
        ASSERT_EQ(facts.effects.size(), 1U);
        EXPECT_EQ(facts.effects[0].value, bytes);
        static_cast<void>(parser.parse("SELECT " + bytes));
        static_cast<void>(parser.parse("SELECT \"" + bytes + "\"()"));
        static_cast<void>(parser.parse("SELECT E'" + bytes + "'"));
        static_cast<void>(parser.parse("SELECT E'\\xff\\u12' || U&'\\d800' || U&\"\\0000\""));
        static_cast<void>(parser.parse("SELECT $" + bytes + "$x$" + bytes + "$"));
    }
}

/// Statements with each kind of token, and of each way to be cut short or garbled.
TEST(SqlHostile, broken_texts_are_borne) {
    const std::vector<std::string> texts{
        "PREPARE p (int, my.t[]) AS SELECT $1 /* c */ -- d\n; EXECUTE p(1); DEALLOCATE ALL",
        "SELECT set_config('a', E'b\\n', is_local => true), U&\"\\0061\" FROM f($1) t(x) WHERE 1.5",
        "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY; SET TIME ZONE INTERVAL '1' HOUR",
        "CREATE TEMP TABLE t ON COMMIT DROP AS SELECT $a$x$a$, x'1f', b'01', 1e5; DROP TABLE t",
        "DECLARE c CURSOR WITH HOLD FOR WITH x AS (SELECT 1) SELECT * FROM x; FETCH ALL c",
    };
    std::mt19937 random(4711);
    StatementParser parser;
    for (const std::string& text : texts) {
        for (std::size_t cut = 0; cut <= text.size(); ++cut) {
            static_cast<void>(parser.parse(std::string_view(text).substr(0, cut)));
            static_cast<void>(parser.parse(std::string_view(text).substr(cut)));
        }
        for (int round = 0; round < 2'000; ++round) {
            std::string garbled = text;
            for (int i = 0; i < 3; ++i)
                garbled[random() % garbled.size()] = static_cast<char>(random() % 256);
            static_cast<void>(parser.parse(garbled));
        }
    }
}

}  // namespace
}  // namespace sluice::sql
