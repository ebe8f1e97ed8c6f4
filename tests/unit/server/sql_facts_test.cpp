#include "server/sql/statement_parser.hpp"

#include "sql_facts_text.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::sql {
namespace {

struct Case {
    std::string sql;
    std::string facts;
};

std::string facts_of(std::string_view sql) {
    StatementParser parser;
    return text_of(parser.parse(sql), sql);
}

void expect(const std::vector<Case>& cases) {
    for (const Case& one : cases)
        EXPECT_EQ(facts_of(one.sql), one.facts) << one.sql;
}

TEST(SqlFacts, ordinary_statements_have_none) {
    expect({
        {"", ""},
        {" ; -- nothing\n ;", ""},
        {"SELECT abalance FROM pgbench_accounts WHERE aid = 1;", "select{}"},
        {"VALUES (1)", "select{}"},
        {"TABLE t", "select{}"},
        {"WITH x AS (DELETE FROM t RETURNING a) SELECT lower(a), count(*) FROM x", "select{}"},
        {"SELECT extract(year FROM a), trim(b), a AT TIME ZONE 'UTC', b LIKE 'c' ESCAPE 'd',"
         " e SIMILAR TO 'f', overlay(a placing b from 1), position('a' in b), c IS NORMALIZED,"
         " (a, b) OVERLAPS (c, d), coalesce(a, b), a::text, xmlelement(name x), json_agg(a)",
         "select{}"},
        {"INSERT INTO t VALUES ($1, now()) ON CONFLICT (a) DO UPDATE SET a = 2", "insert{}"},
        {"UPDATE t SET a = pg_catalog.lower(b)", "update{}"},
        {"DELETE FROM t; SELECT 1", "delete{}; select{}"},
        {"MERGE INTO t USING s ON true WHEN MATCHED THEN DELETE", "merge{}"},
        {"EXPLAIN SELECT 1", "explain{}"},
        {"LOCK t; VACUUM t; TRUNCATE t; SET CONSTRAINTS ALL DEFERRED",
         "other{}; other{}; other{}; other{}"},
    });
}

TEST(SqlFacts, tell_transactions) {
    expect({
        {"BEGIN", "transaction{begin}"},
        {"START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ ONLY", "transaction{begin}"},
        {"COMMIT; END; COMMIT AND CHAIN",
         "transaction{commit}; transaction{commit}; transaction{commit +chain}"},
        {"ROLLBACK; ABORT; ROLLBACK AND CHAIN",
         "transaction{rollback}; transaction{rollback}; transaction{rollback +chain}"},
        {"SAVEPOINT a; RELEASE a; ROLLBACK TO \"B\"",
         "transaction{savepoint a}; transaction{release a}; transaction{rollback_to B}"},
        {"PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x'; ROLLBACK PREPARED 'y'",
         "transaction{prepare_transaction x}; transaction{finish_prepared x};"
         " transaction{finish_prepared y}"},
    });
}

TEST(SqlFacts, tell_settings_by_the_servers_names) {
    expect({
        {"SET a = 1", "setting{set a=1}"},
        {"SET a = 0; SET b = -1; SET c = - 2; SET d = -1.5; SET e = ''",
         "setting{set a=0}; setting{set b=-1}; setting{set c=-2}; setting{set d=-1.5};"
         " setting{set e}"},
        {"SET DateStyle TO ISO, dmy", "setting{set datestyle=iso, dmy}"},
        {"SET \"DateStyle\" = 'ISO'", "setting{set datestyle=ISO}"},
        {"SET app.tenant = 'it''s'", "setting{set app.tenant=it's}"},
        {"SET enable_seqscan = off; SET b = true",
         "setting{set enable_seqscan=off};"
         " setting{set b=true}"},
        {"SET search_path = a, 'B c', \"$user\", '', '1', '\"'",
         "setting{set search_path=a, \"B c\", \"$user\", \"\", \"1\", \"\"\"\"}"},
        {"SET LOCAL search_path = a", "setting{set search_path=a +transaction}"},
        {"SET SESSION search_path = a", "setting{set search_path=a}"},
        {"SET SCHEMA 'S'", "setting{set search_path=\"S\"}"},
        {"SET NAMES 'UTF8'; SET NAMES DEFAULT",
         "setting{set client_encoding=UTF8}; setting{reset client_encoding}"},
        {"SET TIME ZONE 'UTC'; SET TIME ZONE -3; SET TIME ZONE LOCAL",
         "setting{set timezone=UTC}; setting{set timezone=-3}; setting{reset timezone}"},
        {"SET TIME ZONE INTERVAL '1' HOUR TO MINUTE", "setting{set timezone=?}"},
        {"SET ROLE r; SET ROLE NONE; RESET ROLE",
         "setting{set role=r}; setting{set role=none}; setting{reset role}"},
        {"SET LOCAL ROLE 'R'", "setting{set role=R +transaction}"},
        {"SET SESSION AUTHORIZATION r; SET SESSION AUTHORIZATION DEFAULT",
         "setting{set session_authorization=r}; setting{reset session_authorization}"},
        {"RESET SESSION AUTHORIZATION", "setting{reset session_authorization}"},
        {"SET XML OPTION DOCUMENT", "setting{set xmloption=DOCUMENT}"},
        {"SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE, NOT DEFERRABLE",
         "setting{set transaction_isolation=repeatable read +transaction,"
         " set transaction_read_only=off +transaction,"
         " set transaction_deferrable=off +transaction}"},
        {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY, DEFERRABLE",
         "setting{set default_transaction_read_only=on,"
         " set default_transaction_deferrable=on}"},
        {"SET TRANSACTION SNAPSHOT 'x'", "setting{}"},
        {"SET a TO DEFAULT; SET LOCAL a TO DEFAULT; RESET a; RESET TIME ZONE; RESET ALL",
         "setting{reset a}; setting{reset a +transaction}; setting{reset a};"
         " setting{reset timezone}; setting{reset_all}"},
        {"SHOW a; SHOW ALL; SHOW TRANSACTION ISOLATION LEVEL",
         "setting{show a}; setting{show all}; setting{show transaction_isolation}"},
    });
}

TEST(SqlFacts, tell_settings_set_by_functions) {
    expect({
        {"SELECT set_config('A.b', 'c', false)", "select{set a.b=c}"},
        {"SELECT pg_catalog.set_config('a', 'b', true)", "select{set a=b +transaction}"},
        {"SELECT \"set_config\"('a', 'b', 't')", "select{set a=b +transaction}"},
        {"SELECT set_config('a'::text, 'b', 'off'::bool)", "select{set a=b}"},
        {"SELECT set_config('a', NULL, false)", "select{reset a}"},
        {"SELECT set_config('a', '', false)", "select{set a}"},
        {"SELECT set_config('a', $1, $2)", "select{set a=?}"},
        {"SELECT set_config($1, 'b', true)", "select{set ?=b +transaction}"},
        {"SELECT set_config('a' || 'b', 'c', x) FROM t", "select{set ?=c}"},
        {"SELECT set_config(is_local => true, new_value => 'b', setting_name => 'a')",
         "select{set a=b +transaction}"},
        {"SELECT set_config('a', new_value := 'b', is_local := false)", "select{set a=b}"},
        {"INSERT INTO t SELECT a FROM set_config('a', 'b', false) AS a", "insert{set a=b}"},
        {"WITH x AS (SELECT set_config('a', 'b', false)) UPDATE t SET a = 1", "update{set a=b}"},
        {"SELECT CASE WHEN x THEN set_config('a', set_config('b', 'c', false), false) END",
         "select{set a=?, set b=c}"},
        {"COPY (SELECT set_config('a', 'b', false)) TO STDOUT", "copy{copy_out, set a=b}"},
        {"DECLARE c CURSOR FOR SELECT set_config('a', 'b', false)", "cursor{declare c, set a=b}"},
        {"UPDATE pg_settings SET setting = 'x'", "update{set ?=?}"},
        {"WITH x AS (UPDATE pg_catalog.pg_settings SET setting = 'x' RETURNING 1) SELECT 1",
         "select{set ?=?}"},
        {"SELECT public.set_config('a', 'b', false)", "select{unknown public.set_config}"},
    });
}

TEST(SqlFacts, leave_other_peoples_settings_alone) {
    expect({
        {"ALTER ROLE r SET a = 1", "definition{definition}"},
        {"ALTER DATABASE d SET a = 1", "definition{definition}"},
        {"ALTER SYSTEM SET a = 1", "other{}"},
        {"CREATE FUNCTION f() RETURNS int LANGUAGE sql SET a = 1 AS 'SELECT 1'",
         "definition{definition}"},
        {"CREATE VIEW v AS SELECT set_config('a', 'b', false)", "definition{definition}"},
        {"CREATE RULE r AS ON INSERT TO t DO ALSO NOTIFY c", "definition{definition}"},
        {"CREATE FUNCTION f() RETURNS int RETURN set_config('a', 'b', false)",
         "definition{definition}"},
    });
}

TEST(SqlFacts, tell_notifications) {
    expect({
        {"LISTEN \"C\"; UNLISTEN c; UNLISTEN *",
         "notification{listen C}; notification{unlisten c}; notification{unlisten_all}"},
        {"NOTIFY c; NOTIFY c, 'x'", "notification{notify c}; notification{notify c=x}"},
        {"SELECT pg_notify('c', 'x'), pg_notify($1, y)", "select{notify c=x, notify ?=?}"},
        {"SELECT * FROM pg_listening_channels()", "select{session_read pg_listening_channels}"},
    });
}

TEST(SqlFacts, tell_prepared_statements) {
    expect({
        {"PREPARE p AS SELECT 1", "prepared{prepare p @ SELECT 1}"},
        {"PREPARE p AS SELECT 1 ;", "prepared{prepare p @ SELECT 1 }"},
        {"SELECT 1; PREPARE \"as\" (int, my.t[], numeric(10, 2))AS/**/SELECT $1; SELECT 2",
         "select{}; prepared{prepare as=int, my.t[], numeric(10, 2) @/**/SELECT $1}; select{}"},
        {"-- AS\n/* AS ( */ prepare p /* as ( */ ( text ) -- as\n as INSERT INTO t SELECT 1 AS x",
         "prepared{prepare p= text  @ INSERT INTO t SELECT 1 AS x}"},
        {"PREPARE U&\"\\0061\" UESCAPE '!' (\"as\", \")\") AS SELECT 1",
         "prepared{prepare \\0061=\"as\", \")\" @ SELECT 1}"},
        {"PREPARE p AS SELECT set_config('a', 'b', false)",
         "prepared{prepare p @ SELECT set_config('a', 'b', false)}"},
        {"EXECUTE p(1, f(2)); EXPLAIN EXECUTE p; CREATE TEMP TABLE t AS EXECUTE p",
         "prepared{execute p, unknown f}; explain{execute p};"
         " definition{definition, execute p, temporary t}"},
        {"DEALLOCATE p; DEALLOCATE PREPARE p; DEALLOCATE ALL",
         "prepared{deallocate p}; prepared{deallocate p}; prepared{deallocate_all}"},
        {"DISCARD ALL; DISCARD PLANS; DISCARD SEQUENCES; DISCARD TEMP",
         "discard{discard_all}; discard{discard_plans}; discard{discard_sequences};"
         " discard{discard_temporary}"},
        {"SELECT * FROM pg_prepared_statements, pg_cursors, pg_cursors x",
         "select{session_read pg_prepared_statements, session_read pg_cursors}"},
    });
}

TEST(SqlFacts, tell_cursors) {
    expect({
        {"DECLARE c CURSOR FOR SELECT 1", "cursor{declare c}"},
        {"DECLARE c BINARY INSENSITIVE SCROLL CURSOR WITH HOLD FOR SELECT 1",
         "cursor{declare c +hold}"},
        {"FETCH c; MOVE FORWARD ALL FROM \"C\"; CLOSE c; CLOSE ALL",
         "cursor{fetch c}; cursor{fetch C}; cursor{close c}; cursor{close_all}"},
        {"UPDATE t SET a = 1 WHERE CURRENT OF c", "update{}"},
    });
}

TEST(SqlFacts, tell_temporary_objects) {
    expect({
        {"CREATE TEMP TABLE t (a int)", "definition{definition, temporary t}"},
        {"CREATE LOCAL TEMPORARY TABLE t (a int) ON COMMIT DROP",
         "definition{definition, temporary t +transaction}"},
        {"CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1",
         "definition{definition, temporary t +transaction}"},
        {"CREATE TABLE pg_temp.t (a int)", "definition{definition, temporary pg_temp.t}"},
        {"CREATE TABLE U&\"pg\\005ftemp\".t (a int)",
         "definition{definition, temporary pg_temp.t}"},
        {"CREATE TEMP VIEW v AS SELECT f(1)", "definition{definition, temporary v}"},
        {"CREATE TEMP SEQUENCE s", "definition{definition, temporary s}"},
        {"SELECT 1 AS a INTO TEMP t", "select{definition, temporary t}"},
        {"SELECT 1 AS a INTO t", "select{definition}"},
        {"SELECT 1 AS a INTO t UNION SELECT 2", "select{definition}"},
        {"EXPLAIN ANALYZE CREATE TEMP TABLE t AS SELECT 1", "explain{definition, temporary t}"},
        {"CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
         "definition{definition, temporary pg_temp.f}"},
        {"CREATE TYPE pg_temp.t AS (a int)", "definition{definition, temporary pg_temp.t}"},
        {"CREATE TYPE pg_temp.e AS ENUM ('a')", "definition{definition, temporary pg_temp.e}"},
        {"CREATE TYPE pg_temp.r AS RANGE (subtype = int)",
         "definition{definition, temporary pg_temp.r}"},
        {"CREATE DOMAIN pg_temp.d AS int", "definition{definition, temporary pg_temp.d}"},
        {"CREATE AGGREGATE pg_temp.a (int) (sfunc = f, stype = int)",
         "definition{definition, temporary pg_temp.a}"},
        {"CREATE TABLE t (a int DEFAULT f(1))", "definition{definition, unknown f}"},
        {"SELECT * FROM pg_temp.t", "select{}"},
        {"DROP TABLE a.t, u; DROP FUNCTION s.f(int), g; DROP TYPE t; DROP SCHEMA s",
         "definition{definition, drop a.t, drop u}; definition{definition, drop s.f, drop g};"
         " definition{definition, drop t}; definition{definition, drop s}"},
    });
}

TEST(SqlFacts, tell_advisory_locks) {
    expect({
        {"SELECT pg_advisory_lock(1)", "select{lock pg_advisory_lock=1}"},
        {"SELECT pg_try_advisory_lock_shared(-1, 0)",
         "select{lock pg_try_advisory_lock_shared=-1,0 +shared +attempt}"},
        {"SELECT pg_advisory_lock('7'::int8), pg_advisory_lock(99999999999)",
         "select{lock pg_advisory_lock=7, lock pg_advisory_lock=99999999999}"},
        {"SELECT pg_advisory_lock(hashtext('a'))", "select{lock pg_advisory_lock=?}"},
        {"SELECT pg_advisory_lock(1, $1)", "select{lock pg_advisory_lock=?}"},
        {"SELECT pg_advisory_xact_lock(1), pg_try_advisory_xact_lock_shared(2)",
         "select{lock pg_advisory_xact_lock=1 +transaction,"
         " lock pg_try_advisory_xact_lock_shared=2 +transaction +shared +attempt}"},
        {"SELECT pg_advisory_unlock(1), pg_advisory_unlock_shared(1, 2), pg_advisory_unlock_all()",
         "select{unlock pg_advisory_unlock=1, unlock pg_advisory_unlock_shared=1,2 +shared,"
         " unlock_all}"},
    });
}

TEST(SqlFacts, tell_what_else_stays_in_a_session) {
    expect({
        {"SELECT nextval('s'), setval('s', 1), currval($1), lastval()",
         "select{sequence_write nextval=s, sequence_write setval=s, sequence_read currval=?,"
         " sequence_read lastval}"},
        {"SELECT lo_open(1, 2), loread(0, 1), lo_creat(-1)",
         "select{large_object lo_open, large_object loread, large_object lo_creat}"},
        {"SELECT pg_export_snapshot()", "select{export_snapshot pg_export_snapshot}"},
        {"SELECT setseed(0), pg_backup_start('x'), pg_create_physical_replication_slot('x')",
         "select{session_function setseed, session_function pg_backup_start,"
         " session_function pg_create_physical_replication_slot}"},
        {"COPY t FROM STDIN; COPY t TO STDOUT; COPY t FROM '/x'; COPY t TO PROGRAM 'x'",
         "copy{copy_in}; copy{copy_out}; copy{}; copy{}"},
    });
}

TEST(SqlFacts, tell_what_cannot_be_seen) {
    expect({
        {"DO 'x'", "code{code do}"},
        {"CALL s.p(f(1))", "code{code s.p, unknown f}"},
        {"LOAD 'x'", "code{code load=x}"},
        {"SELECT query_to_xml('SELECT 1', true, false, '')", "select{code query_to_xml}"},
        {"SELECT ts_stat('SELECT 1'), ts_rewrite('a', 'SELECT 1')",
         "select{code ts_stat, code ts_rewrite}"},
        {"SELECT f(1), \"F\"(f(2)), s.f(3), f(4), \"Lower\"(5)",
         "select{unknown f, unknown F, unknown s.f, unknown Lower}"},
        {"SELECT sum(f(a)) FILTER (WHERE g(a)) OVER (PARTITION BY h(a)) FROM i(1) WHERE j(a)"
         " GROUP BY k(a) HAVING l(a) ORDER BY m(a) LIMIT n(1)",
         "select{unknown f, unknown g, unknown h, unknown i, unknown j, unknown k, unknown l,"
         " unknown m, unknown n}"},
        {"INSERT INTO t VALUES (f(1)) ON CONFLICT DO UPDATE SET a = g(1) RETURNING h(1)",
         "insert{unknown f, unknown g, unknown h}"},
        {"SELECT * FROM a JOIN LATERAL f(a) ON g(1), ROWS FROM (h(1), i(2))",
         "select{unknown f, unknown g, unknown h, unknown i}"},
        {"broken", "not parsed"},
        {"SELECT 1; broken", "not parsed"},
        {"SELECT 'unfinished", "not parsed"},
    });
    StatementParser parser;
    EXPECT_TRUE(parser.parse("DO 'x'").opaque());
    EXPECT_TRUE(parser.parse("SELECT f(1)").opaque());
    EXPECT_TRUE(parser.parse("broken").opaque());
    EXPECT_FALSE(parser.parse("SET a = 1").opaque());
    EXPECT_FALSE(parser.parse("").opaque());
}

TEST(SqlFacts, tell_where_statements_stand) {
    StatementParser parser;
    const std::string_view sql = "SELECT 1 ; /* x */ SET a = 1;BEGIN";
    const auto facts = parser.parse(sql);
    ASSERT_EQ(facts.statements.size(), 3U);
    const auto at = [&](std::size_t i) {
        const pg::SqlStatement& one = facts.statements[i];
        return sql.substr(one.begin, one.bytes == 0 ? std::string_view::npos : one.bytes);
    };
    EXPECT_EQ(at(0), "SELECT 1 ");
    EXPECT_EQ(at(1), " /* x */ SET a = 1");
    EXPECT_EQ(at(2), "BEGIN");
    EXPECT_TRUE(facts.has(pg::EffectKind::set));
    EXPECT_TRUE(facts.has(pg::EffectKind::begin));
    EXPECT_FALSE(facts.has(pg::EffectKind::commit));
}

}  // namespace
}  // namespace sluice::sql
