#include "protocol/pg/harmless_function_list.hpp"
#include "protocol/pg/sql_names.hpp"
#include "protocol/pg/statement_features.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg {
namespace {

constexpr Feature none = Feature::none;
constexpr Feature unknown = Feature::unknown_function;
constexpr Feature naming = Feature::session_name;
constexpr Feature prepared = Feature::session_name | Feature::prepared_name;

struct Case {
    std::string sql;
    Feature features;
};

const std::vector<Case> ordinary_cases{
    {"BEGIN", none},
    {"SELECT abalance FROM pgbench_accounts WHERE aid = 1;", none},
    {"SELECT count(*), max (a), LOWER(b), pg_catalog.lower(b) FROM t", none},
    {"SELECT left(a, 1), coalesce(b, 1), extract(year FROM now()) FROM t", none},
    {"SELECT a, (b + 1) * (c), -(d) FROM (SELECT 1) AS s (a, b)", none},
    {"SELECT * FROM t WHERE a IN (1, 2) AND (b = 1 OR EXISTS (SELECT 1))", none},
    {"SELECT * FROM t JOIN (SELECT 1) s USING (a)", none},
    {"SELECT x::varchar(10), CAST(y AS numeric(10, 2)), z::mine(3) FROM t", none},
    {"SELECT * FROM unnest($1::int[]) AS u(a)", none},
    {"SELECT sum(a) FILTER (WHERE b) OVER (PARTITION BY (c)) FROM t", none},
    {"SELECT a FROM t GROUP BY (a), GROUPING SETS ((a), ()), ROLLUP (a), CUBE (b)", none},
    {"WITH s AS (SELECT 1), u AS (SELECT 2) SELECT 1", none},
    {"INSERT INTO t (a, b) VALUES ($1, $2), (3, 4) ON CONFLICT (a) DO UPDATE SET a = 1", none},
    {"insert into public.t(a) values (1)", none},
    {"INSERT INTO \"public\".\"T\" (\"a\") VALUES (1) RETURNING (a)", none},
    {"INSERT INTO\n  public . t\n  (a)\nVALUES\n  (1)", none},
    {"UPDATE t SET a = 1 WHERE b LIKE ('x')", none},
    {"SELECT 'f(1)', \"f\", $$f(1)$$, a -- f(1)\n FROM t /* f(1) */", none},
    {"SELECT * FROM \"select\" WHERE \"a\" = ANY ($1)", none},
    {"SELECT /* why */ a, (b) FROM t", none},
    {"SELECT lower /* why */ (a) FROM t", none},
    {"SELECT lower -- why\n (a) FROM t", none},
    {"SELECT u & (1) FROM t", none},
    {"SELECT E'a' (1)", none},
};

const std::vector<Case> telling_cases{
    // Calls.
    {"SELECT f(1)", unknown},
    {"SELECT f (1)", unknown},
    {"SELECT f\n(1)", unknown},
    {"SELECT f/**/(1)", unknown},
    {"SELECT f--\n(1)", unknown},
    {"SELECT f /* lower */ (1)", unknown},
    {"SELECT f -- lower\n(1)", unknown},
    {"SELECT \"f\"(1)", unknown},
    {"SELECT \"lower\"(1)", unknown},
    {"SELECT \"a\"\"lower\"(1)", unknown},
    {"SELECT u(1)", unknown},
    {"SELECT e(1)", unknown},
    {"SELECT public.lower(1)", unknown},
    {"SELECT public . lower(1)", unknown},
    {"SELECT public./**/lower(1)", unknown},
    {"SELECT public.--\nlower(1)", unknown},
    {"SELECT public --pg_catalog\n.lower(1)", unknown},
    {"SELECT public.-- why\nlower(1)", unknown},
    {"SELECT public. -- why\n\n lower(1)", unknown},
    {"SELECT my_pg_catalog.lower(1)", unknown},
    {"SELECT pg_catalog.f(1)", unknown},
    {"SELECT public.select(1)", unknown},
    {"SELECT * FROM f(1)", unknown},
    {"SELECT a, f(b) FROM t", unknown},
    {"SELECT (a)+f(b) FROM t", unknown},
    {"SELECT DISTINCT ON (a) f(b) FROM t", unknown},
    {"SELECT filter(a)", unknown},
    {"SELECT a FROM t WHERE over(a)", unknown},
    {"SELECT set(1)", unknown},
    {"SELECT set_config('a', 'b', false)", unknown | Feature::set},
    {"SELECT pg_advisory_xact_lock(1)", unknown},
    {"SELECT currval('s'), lastval()", unknown},
    {"SELECT setseed(0.5)", unknown},
    {"SELECT \xc3\xa9t\xc3\xa9(1)", unknown},
    {"SELECT " + std::string(200, 'f') + "(1)", unknown},
    // A word that only looks like what tells that no function is called.
    {"SELECT 1 -- into\n , f(1)", unknown},
    {"SELECT -- into\n f(1)", unknown},
    {"SELECT -- a\r into --\r f(1)", unknown},
    {"SELECT /* into */ f(1)", unknown},
    {"SELECT 'into'f(1)", unknown},
    {"SELECT $$ into$$f(1)", unknown},
    {"SELECT \"into\"f(1)", unknown},
    {"SELECT pinto f(1)", unknown},
    {"INTO f(1)", unknown},  // The text's first word may be the end of another.
    {"INSERT INTO t SELECT f(1)", unknown},
    {"INSERT INTO t (a) VALUES (f(1))", unknown},
    {"INSERT INTO a\"b\".t (c) VALUES (1)", unknown},
    {"INSERT INTO \"a\"\"b\" (c) VALUES (1)", unknown},
    // One too many: a name with columns, a table's columns.
    {"WITH s (a) AS (SELECT 1) SELECT 1", unknown},
    {"CREATE TABLE t (a int)", unknown},
    // Names of the session.
    {"EXECUTE p", prepared},
    {"EXECUTE p(1)", prepared | unknown},
    {"EXPLAIN EXECUTE p", prepared},
    {"DEALLOCATE ALL", prepared},
    {"FETCH 1 FROM c", naming},
    {"SELECT 1; MOVE c", naming},
    {"CLOSE c", naming},
    {"NOTIFY c", naming},
    {"UNLISTEN *", naming},
    {"SELECT notify, fetch, close FROM deallocate FETCH FIRST 1 ROW ONLY", none},
};

Feature scan(std::initializer_list<std::string_view> pieces) {
    StatementScanner scanner;
    for (const std::string_view piece : pieces)
        scanner.feed(wire::as_bytes(piece));
    return scanner.features() & ~Feature::defines;
}

TEST(StatementCalls, are_unknown_unless_known_to_be_harmless) {
    for (const std::vector<Case>& cases : {ordinary_cases, telling_cases}) {
        for (const Case& one : cases)
            EXPECT_TRUE(scan({one.sql + '\0'}) == one.features) << one.sql;
    }
}

// A piece may end in a name. What is not seen then must be taken for unknown, never for known.
TEST(StatementCalls, lose_nothing_in_pieces) {
    for (const Case& one : telling_cases) {
        const std::string sql = one.sql + '\0';
        for (std::size_t cut = 0; cut <= sql.size(); ++cut) {
            const std::string_view text = sql;
            const Feature found = scan({text.substr(0, cut), text.substr(cut)});
            ASSERT_TRUE((found | unknown) == (one.features | unknown)) << one.sql << " at " << cut;
            ASSERT_TRUE((found | one.features) == found) << one.sql << " at " << cut;
        }
    }
}

TEST(SqlNames, are_found_in_any_case) {
    EXPECT_EQ(find_sql_name("Lower"), SqlName::harmless_function);
    EXPECT_EQ(find_sql_name("SELECT"), SqlName::keyword);
    EXPECT_EQ(find_sql_name("left"), SqlName::harmless_function);
    EXPECT_EQ(find_sql_name("set_config"), SqlName::unknown);
    EXPECT_EQ(find_sql_name(""), SqlName::unknown);
    EXPECT_EQ(find_sql_name(std::string(63, 'a')), SqlName::unknown);
    EXPECT_EQ(find_sql_name(std::string(64, 'a')), SqlName::unknown);
    EXPECT_TRUE(is_harmless_function("lower"));
    EXPECT_FALSE(is_harmless_function("Lower"));  // In quotes it was another.
    EXPECT_FALSE(is_harmless_function("select"));
}

TEST(SqlNames, are_all_that_the_list_has) {
    std::vector<std::string_view> names;
    for (std::string_view rest = harmless_function_list; !rest.empty();) {
        const std::size_t end = rest.find(' ');
        ASSERT_NE(end, std::string_view::npos);
        names.push_back(rest.substr(0, end));
        rest.remove_prefix(end + 1);
    }
    EXPECT_EQ(names.size(), harmless_function_count);
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
    EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
    for (const std::string_view name : names) {
        EXPECT_TRUE(is_harmless_function(name)) << name;
        EXPECT_FALSE(is_harmless_function(std::string(name) + "x") &&
                     !std::binary_search(names.begin(), names.end(), std::string(name) + "x"))
            << name;
    }
}

}  // namespace
}  // namespace sluice::pg
