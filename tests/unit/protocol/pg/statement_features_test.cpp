#include "protocol/pg/statement_features.hpp"

#include <gtest/gtest.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {

void PrintTo(Feature features, std::ostream* out) {
    *out << static_cast<unsigned>(features);
}

namespace {

using namespace std::string_literals;

struct Case {
    std::string sql;
    Feature features;
};

constexpr Feature none = Feature::none;
constexpr Feature set = Feature::set;
constexpr Feature listen = Feature::listen;
constexpr Feature temporary = Feature::temporary;
constexpr Feature advisory_lock = Feature::advisory_lock;
constexpr Feature prepare = Feature::prepare;
constexpr Feature with_hold = Feature::with_hold;
constexpr Feature code = Feature::code;
constexpr Feature reset = Feature::reset;

const std::vector<Case> plain_cases{
    {"", none},
    {";", none},
    {"SELECT 1", none},
    {"SELECT abalance FROM pgbench_accounts WHERE aid = 12345;", none},
    {"INSERT INTO t VALUES (1, 'set')", none},
    {"UPDATE t SET a = 1", none},
    {"INSERT INTO t VALUES (1) ON CONFLICT (a) DO UPDATE SET a = 2", none},
    {"ALTER TABLE t SET SCHEMA other", none},
    {"ALTER ROLE r SET search_path = x", none},
    {"CREATE SCHEMA s CREATE TABLE t (a int)", none},
    {"CREATE UNLOGGED TABLE t (a int)", none},
    {"TABLE t", none},
    {"BEGIN; SELECT 1; COMMIT", none},
    {"SHOW search_path", none},
    {"NOTIFY c, 'x'", none},
    {"UNLISTEN *", none},
    {"COPY t FROM STDIN", none},
    {"CREATE TABLE temporary_things (temp int, listen int)", none},
    {"SELECT temp FROM weather", none},
    {"INSERT INTO temp VALUES (1)", none},
    {"MERGE INTO temp USING s ON true WHEN MATCHED THEN DELETE", none},
    {"DEALLOCATE ALL", none},
    {"SELECT preset, reset_at, settings FROM discards", none},
    {"SELECT * FROM pg_settings", none},
    {"SELECT * FROM pg_locks WHERE locktype = 'advisory'", none},
    {"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; SET x = 1 $$", none},
    // SET.
    {"SET a = 1", set},
    {"set a to 'b'", set},
    {"SeT SESSION a = 1", set},
    {"SET ROLE r", set},
    {"SET SESSION AUTHORIZATION r", set},
    {"SET TIME ZONE 'UTC'", set},
    {"SET NAMES 'UTF8'", set},
    {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", set},
    {"SET LOCAL a = 1", Feature::set_local},
    {"SET LOCAL a.b = 1", Feature::set_local},
    {"SET TRANSACTION READ ONLY", none},
    {"SET CONSTRAINTS ALL DEFERRED", none},
    {"SET local.a = 1", set | Feature::set_local},
    {"SET transaction . a = 1", set},
    {"SET \"local\" = 1", set},
    {"SET \"search_path\" = x", set},
    {"SET U&\"search_p\\0061th\" = x", set | code},
    {"SELECT 1; SET a = 1", set},
    {"BEGIN; SET LOCAL a = 1; SET b = 2; COMMIT", set | Feature::set_local},
    {"BEGIN;SET/**/a=1", set},
    {"-- comment\nSET a = 1", set},
    {"-- comment\rSET a = 1", set},
    {"/* comment */ SET a = 1", set},
    {"/* /* nested */ still */ SET a = 1", set},
    {"\n\t\f\v SET a = 1", set},
    {";;SET a = 1", set},
    {"SELECT set_config('a', 'b', false)", set},
    {"SELECT pg_catalog.set_config('a', 'b', false)", set},
    {"SELECT \"set_config\"('a', 'b', false)", set},
    {"SELECT 1-set_config('a', 'b', false)::int", set},
    {"SELECT 1/set_config('a', 'b', false)::int", set},
    {"UPDATE pg_settings SET setting = 'x' WHERE name = 'a'", set},
    {"UPDATE ONLY pg_catalog.pg_settings SET setting = 'x'", set},
    {"WITH x AS (SELECT 1) UPDATE pg_settings SET setting = 'x'", set},
    {"UPDATE t SET a = 1; SELECT * FROM pg_settings", none},
    // RESET, DISCARD.
    {"RESET ALL", reset},
    {"RESET ROLE", reset},
    {"DISCARD ALL", reset},
    {"SELECT 1; discard temp", reset},
    // LISTEN.
    {"LISTEN c", listen},
    {"BEGIN; LISTEN c; COMMIT", listen},
    {"LISTEN \"LISTEN\"", listen},
    // Temporary tables.
    {"CREATE TEMP TABLE t (a int)", temporary},
    {"CREATE TEMPORARY TABLE t (a int)", temporary},
    {"create local temp table t (a int)", temporary},
    {"CREATE GLOBAL TEMPORARY TABLE t (a int)", temporary},
    {"CREATE TEMP VIEW v AS SELECT 1", temporary},
    {"CREATE OR REPLACE TEMP VIEW v AS SELECT 1", temporary},
    {"CREATE OR REPLACE LOCAL TEMPORARY VIEW v AS SELECT 1", temporary},
    {"CREATE TEMP RECURSIVE VIEW v (a) AS SELECT 1", temporary},
    {"CREATE TEMP SEQUENCE s", temporary},
    {"CREATE /* why */ TEMP -- not\n TABLE t (a int)", temporary},
    {"SELECT 1 AS a INTO TEMP t", temporary},
    {"SELECT 1 AS a INTO TEMPORARY TABLE t", temporary},
    {"SELECT 1 AS a INTO LOCAL TEMP t", temporary},
    {"WITH x AS (INSERT INTO temp VALUES (1) RETURNING 1) SELECT * INTO TEMP t FROM x", temporary},
    {"EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", temporary},
    {"CREATE TABLE pg_temp.t (a int)", temporary},
    {"CREATE TABLE \"pg_temp\".t (a int)", temporary},
    {"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'", temporary},
    {"CREATE TABLE U&\"pg\\005ftemp\".t (a int)", code},
    {"CREATE TABLE u&\"pg!005ftemp\" UESCAPE '!' .t (a int)", code},
    // Advisory locks.
    {"SELECT pg_advisory_lock(1)", advisory_lock},
    {"SELECT PG_ADVISORY_LOCK_SHARED(1, 2)", advisory_lock},
    {"SELECT pg_try_advisory_lock(1)", advisory_lock},
    {"SELECT pg_try_advisory_lock_shared(1)", advisory_lock},
    {"SELECT \"pg_advisory_lock\"(1)", advisory_lock},
    {"SELECT pg_advisory_xact_lock(1)", none},
    {"SELECT pg_try_advisory_xact_lock_shared(1)", none},
    {"SELECT pg_advisory_unlock(1)", Feature::ending},
    {"DROP TABLE t", Feature::ending},
    {"ALTER TABLE t DROP COLUMN c", none},
    // PREPARE.
    {"PREPARE p AS SELECT 1", prepare},
    {"prepare p (int) as select $1", prepare},
    {"PREPARE \"transaction\" AS SELECT 1", prepare},
    {"PREPARE transaction AS SELECT 1", prepare},
    {"PREPARE transaction (int) AS SELECT 1", prepare},
    {"PREPARE TRANSACTION 'x'", none},
    {"COMMIT PREPARED 'x'", none},
    // Cursors.
    {"DECLARE c CURSOR WITH HOLD FOR SELECT 1", with_hold},
    {"BEGIN; DECLARE c SCROLL CURSOR WITH /**/ HOLD FOR SELECT 1; COMMIT", with_hold},
    {"DECLARE c CURSOR WITHOUT HOLD FOR SELECT 1", none},
    {"DECLARE c CURSOR FOR SELECT 1", none},
    // Code.
    {"DO $$ BEGIN END $$", code},
    {"CALL p()", code},
    {"LOAD 'x'", code},
    {"SELECT dblink_connect('c', 'host=x')", code},
    {"SELECT query_to_xml('SELECT 1', true, false, '')", code},
    {"SELECT pg_replication_origin_session_setup('x')", code},
    {"SELECT u & \"x\" FROM t", code},  // One too many, but rare.
};

/// What hides a statement from a careless reader, or pretends to be one.
const std::vector<Case> quoting_cases{
    {"SELECT '; SET a = 1'", none},
    {"SELECT ''';SET a = 1;'''", none},
    {"SELECT 'it''s'; SET a = 1", set},
    {"SELECT '\\'; SET a = 1; --'", set},
    {"SELECT E'\\'; SET a = 1; --'", none},
    {"SELECT e'\\\\'; SET a = 1; --'", set},
    {"SELECT E'a''\\''; SET a = 1", set},
    {"SELECT E'a'\n'\\''; SET a = 1; --'", set},
    {"SELECT E'a' -- why\n '\\''; SET a = 1; --'", set},
    {"SELECT E'a'\n'\\'; SET a = 1; --'", none},
    {"SELECT E'a', '\\'; SET a = 1; --'", set},
    {"SELECT E'a' || '\\'; SET a = 1; --'", set},
    {"SELECT E'a' - '\\'; SET a = 1; --'", set},
    {"SELECT type'\\'; SET a = 1; --'", set},
    {"SELECT N'\\'; SET a = 1; --'", set},
    {"SELECT B'1'; SET a = 1", set},
    {"SELECT U&'\\0041'; SET a = 1", set},
    {"SELECT $$; SET a = 1$$", none},
    {"SELECT $$'$$; SET a = 1", set},
    {"SELECT $tag$ $$ ' $ta$ $tag$; SET a = 1", set},
    {"SELECT $tag$; SET a = 1 $TAG$ $tag", none},
    {"SELECT $a$ $b$a$; SET a = 1", set},
    {"SELECT $a$ $$a$; SET a = 1", set},
    {"SELECT $\xc3\xa9$ ' $\xc3\xa9$; SET a = 1", set},
    {"SELECT $1, $2; SET a = $3", set},
    {"SELECT a$b$c FROM t; SET a = 1; SELECT d$b$", set},
    {"SELECT $" + std::string(63, 't') + "$'$" + std::string(63, 't') + "$; SET a = 1", set},
    {"SELECT $" + std::string(64, 't') + "$'$" + std::string(64, 't') + "$; SET a = 1", code},
    {"SELECT \"; SET a = 1\"", none},
    {"SELECT \"a\"\"b\"; SET a = 1", set},
    {"SELECT \"'\"; SET a = 1", set},
    {"SELECT 1 -- ; SET a = 1", none},
    {"SELECT 1 -- '\n; SET a = 1", set},
    {"SELECT 1 - -1; SET a = 1", set},
    {"SELECT 1 / 2; SET a = 1", set},
    {"SELECT /* ; SET a = 1 */ 1", none},
    {"SELECT /* ' */ 1; SET a = 1", set},
    {"SELECT /* /* */ ; SET a = 1", none},
    {"SELECT /* /* */ */ 1; SET a = 1", set},
    {"SELECT /*/ ; SET a = 1 /*/ */*/ 1", none},
    {"SELECT /***/ 1; SET a = 1", set},
    {"SELECT /*** /**/ **/ 1; SET a = 1", set},
    {"SELECT 1 //* ' */ 2; SET a = 1", set},
    {"SELECT 'unfinished; SET a = 1", none},
    {"SELECT \xff\xfe; SET a = 1", set},
    {"SETa = 1", none},
    {"SET_ a", none},
    {"\xc3\xa9SET a = 1", none},
    {"SELECT 1\0; SET a = 1"s, none},
    {"SELECT 1 -- x\0\nSET a = 1"s, none},
    {"SELECT 'x\0'; SET a = 1"s, none},
    {"LISTEN\0"s, listen},
};

std::vector<Case> all_cases() {
    std::vector<Case> cases = plain_cases;
    cases.insert(cases.end(), quoting_cases.begin(), quoting_cases.end());
    return cases;
}

std::string ended(const std::string& sql) {
    return sql + '\0';
}

/// Without what is made, and what statement_calls_test.cpp looks at.
Feature left_behind(const StatementScanner& scanner) {
    constexpr Feature others = Feature::unknown_function | Feature::session_name |
                               Feature::prepared_name | Feature::defines;
    return static_cast<Feature>(static_cast<unsigned>(scanner.features()) &
                                ~static_cast<unsigned>(others));
}

Feature scan(std::initializer_list<std::string_view> pieces) {
    StatementScanner scanner;
    for (const std::string_view piece : pieces)
        scanner.feed(wire::as_bytes(piece));
    return left_behind(scanner);
}

TEST(StatementScanner, names_what_statements_leave_behind) {
    for (const Case& one : all_cases())
        EXPECT_EQ(scan({ended(one.sql)}), one.features) << one.sql;
}

TEST(StatementScanner, needs_no_blank_and_minds_no_case) {
    for (const Case& one : plain_cases) {
        std::string upper = one.sql;
        std::string broken = one.sql;
        for (char& byte : upper) {
            if (byte >= 'a' && byte <= 'z') byte = static_cast<char>(byte - 'a' + 'A');
        }
        // Names in quotes keep their case; strings and comments are no words.
        if (one.sql.find_first_of("\"'") == std::string::npos) {
            EXPECT_EQ(scan({ended(upper)}), one.features) << upper;
        }
        if (one.sql.find("--") != std::string::npos) continue;  // A line's end ends those.
        for (char& byte : broken) {
            if (byte == ' ') byte = '\n';
        }
        EXPECT_EQ(scan({ended(broken)}), one.features) << broken;
    }
}

TEST(StatementScanner, takes_text_byte_by_byte) {
    for (const Case& one : all_cases()) {
        StatementScanner scanner;
        for (const char byte : ended(one.sql))
            scanner.feed(wire::as_bytes({&byte, 1}));
        EXPECT_EQ(left_behind(scanner), one.features) << one.sql;
    }
}

TEST(StatementScanner, takes_text_in_any_two_pieces) {
    for (const Case& one : all_cases()) {
        const std::string sql = ended(one.sql);
        for (std::size_t cut = 0; cut <= sql.size(); ++cut) {
            const std::string_view text = sql;
            ASSERT_EQ(scan({text.substr(0, cut), "", text.substr(cut)}), one.features)
                << one.sql << " cut at " << cut;
        }
    }
}

// A batch of statements leaves behind what its parts do.
TEST(StatementScanner, adds_up_the_statements_of_a_string) {
    for (const Case& one : plain_cases) {
        EXPECT_EQ(scan({ended("LISTEN x; " + one.sql + ";\nRESET ALL")}),
                  one.features | listen | reset)
            << one.sql;
    }
}

bool defines(const std::string& sql) {
    StatementScanner whole;
    whole.feed(wire::as_bytes(ended(sql)));
    StatementScanner bytewise;
    for (const char byte : ended(sql))
        bytewise.feed(wire::as_bytes({&byte, 1}));
    const bool found = has(whole.features(), Feature::defines);
    EXPECT_EQ(has(bytewise.features(), Feature::defines), found) << sql;
    return found;
}

TEST(StatementScanner, names_what_may_make_something_unsaid) {
    for (const std::string_view sql :
         {"CREATE TABLE x AS SELECT 1", "create materialized view v as select 1",
          "SELECT 1 AS a INTO x", "SELECT a\ninto/**/x FROM t",
          "EXPLAIN ANALYZE CREATE TABLE x AS TABLE t",
          "INSERT INTO a VALUES (1); CREATE TABLE x ()", "INSERT INTO a SELECT 1; SELECT 1 INTO x",
          "WITH w AS (INSERT INTO a VALUES (1) RETURNING *) SELECT * INTO x FROM w"})
        EXPECT_TRUE(defines(std::string(sql))) << sql;
    for (const std::string_view sql :
         {"", "SELECT 1", "INSERT INTO a VALUES (1)", " \n\tinsert\n--\ninto a values (1)",
          "insert/**/into a values (1)", "WITH w AS (SELECT 1) INSERT INTO a SELECT 1",
          "MERGE INTO a USING b ON true WHEN MATCHED THEN DELETE", "UPDATE a SET i = 1",
          "DROP TABLE a", "SELECT 'create', \"into\" FROM t", "SELECT 1 -- into x"})
        EXPECT_FALSE(defines(std::string(sql))) << sql;
}

TEST(StatementScanner, looks_at_nothing_behind_the_end) {
    EXPECT_EQ(scan({ended("SELECT 1"), "; SET a = 1", ended("LISTEN c")}), none);
}

TEST(StatementScanner, follows_comments_of_any_depth) {
    std::string sql;
    for (int depth = 0; depth < 70'000; ++depth)
        sql += "/*";
    for (int depth = 0; depth < 70'000; ++depth)
        sql += "*/";
    EXPECT_EQ(scan({ended(sql + "SET a = 1")}), set);
    EXPECT_EQ(scan({ended("/*" + sql + "SET a = 1")}), none);
}

TEST(StatementScanner, takes_long_words_for_what_they_are) {
    for (std::size_t length = 1; length < 80; ++length) {
        EXPECT_EQ(scan({ended("SET" + std::string(length, 't') + " a; SELECT 1")}), none);
        EXPECT_EQ(scan({ended(std::string(length, 'x') + "set_config")}), none);
    }
}

}  // namespace
}  // namespace sluice::pg
