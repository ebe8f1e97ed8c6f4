#include "protocol/pg/function_body.hpp"

#include "protocol/pg/call_memo.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg::test {
namespace {

bool harmless(std::string_view source, std::string_view language = "plpgsql") {
    return read_function_body(language, source).harmless;
}

TEST(FunctionBody, is_harmless_where_nothing_can_be_left_behind) {
    for (const char* source :
         {"SELECT 1", "BEGIN RETURN lower($1); END",
          "BEGIN UPDATE t SET a = 1 WHERE b = 2; RETURN NEW; END",
          "BEGIN IF a THEN UPDATE t SET a = 1; ELSE INSERT INTO t VALUES (1) "
          "ON CONFLICT (a) DO UPDATE SET b = 2; END IF; END",
          "INSERT INTO t SELECT count(*) FROM u ON CONFLICT DO NOTHING",
          "BEGIN FOR r IN SELECT * FROM t FOR UPDATE LOOP x := x + r.a; END LOOP; END",
          "BEGIN NEW.updated_at := now(); RETURN NEW; END"}) {
        EXPECT_TRUE(harmless(source)) << source;
    }
    EXPECT_TRUE(harmless("SELECT 1", "sql"));
}

TEST(FunctionBody, is_not_where_anything_may_be) {
    for (const char* source :
         {"BEGIN PERFORM set_config('search_path', $1, false); END",
          "BEGIN IF a THEN SET search_path = x; END IF; END", "BEGIN SET ROLE x; END",
          "BEGIN -- update the path\n SET search_path = x; END",
          "BEGIN /* update */ SET search_path = x; END",
          "BEGIN SELECT 1 FOR UPDATE; SET search_path = x; END", "SELECT a FROM t FOR UPDATE SET x",
          "BEGIN EXECUTE $1; END", "BEGIN RETURN other($1); END",
          "BEGIN RETURN pg_try_advisory_lock($1); END", "BEGIN CREATE TEMP TABLE t (i int); END",
          "BEGIN LISTEN a; END", "BEGIN RESET ALL; END", "BEGIN DO $$ $$; END",
          "BEGIN PERFORM dblink_connect('a', 'b'); END", "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
          "BEGIN CALL p(); END", "UPDATE pg_settings SET setting = 'x'", ""}) {
        EXPECT_FALSE(harmless(source)) << source;
    }
    EXPECT_FALSE(harmless("SELECT 1", "plpython3u"));
    EXPECT_FALSE(harmless("lower", "internal")) << "of these nothing is known";
}

TEST(FunctionBody, tells_the_settings_that_stand_in_it) {
    using Names = std::vector<std::string>;
    const auto names = [](std::string_view source) {
        return read_function_body("plpgsql", source).placeholders;
    };
    EXPECT_EQ(names("BEGIN PERFORM set_config('app.tenant', $1, false); END"), Names{"app.tenant"});
    EXPECT_EQ(names("SET App.Tenant = 1; SET SESSION b.c = 2; SET LOCAL d.e = 3"),
              (Names{"app.tenant", "b.c", "d.e"}));
    EXPECT_EQ(names("SELECT t.a, 'no.' FROM s.t; SELECT '.no', 1.5"), Names{});
}

TEST(CallMemo, goes_by_sources_and_not_by_what_was_found) {
    CallMemo memo;
    const std::vector<std::string> names{"f"};
    EXPECT_EQ(memo.find("SELECT f()", {}), nullptr);
    EXPECT_EQ(memo.learn("SELECT f()", {}, names, {}), nullptr) << "there is no such function";
    const std::vector<CalledFunction> good{{"f", false, {true, {}}}, {"g", false, {false, {}}}};
    ASSERT_NE(memo.learn("SELECT f()", {}, names, good), nullptr);
    memo.asked("SELECT f()", true);
    memo.asked("SELECT f()", false);
    EXPECT_TRUE(memo.find("SELECT f()", {})->harmless);

    const std::vector<CalledFunction> overloaded{{"f", false, {true, {}}},
                                                 {"f", false, {false, {"a.b"}}}};
    ASSERT_NE(memo.learn("SELECT f()", {}, names, overloaded), nullptr);
    EXPECT_EQ(memo.find("SELECT f()", {})->placeholders, std::vector<std::string>{"a.b"});
    for (int i = 0; i < 9; ++i)
        memo.asked("SELECT f()", true);
    EXPECT_FALSE(memo.find("SELECT f()", {})->harmless);
    EXPECT_EQ(memo.find("SELECT f()", {1}), nullptr) << "a definition has changed";
}

TEST(CallMemo, trusts_compiled_functions_after_enough_questions) {
    CallMemo memo;
    const std::vector<std::string> names{"f", "g"};
    const std::vector<CalledFunction> compiled{{"f", true, {}}, {"g", false, {true, {}}}};
    ASSERT_NE(memo.learn("SELECT f(g())", {}, names, compiled), nullptr);
    memo.asked("SELECT f(g())", true);
    memo.asked("SELECT f(g())", true);
    memo.asked("SELECT f(g())", false);
    for (std::uint32_t i = 0; i < CallMemo::questions_enough; ++i) {
        EXPECT_FALSE(memo.find("SELECT f(g())", {})->harmless);
        memo.asked("SELECT f(g())", true);
    }
    EXPECT_TRUE(memo.find("SELECT f(g())", {})->harmless);

    const std::vector<CalledFunction> mixed{{"f", true, {}}, {"g", false, {}}};
    ASSERT_NE(memo.learn("SELECT f(g())", {}, names, mixed), nullptr);
    EXPECT_FALSE(memo.find("SELECT f(g())", {})->compiled);
}

TEST(FunctionBody, may_make_what_it_speaks_of) {
    for (const std::string_view code : {"DO $$ BEGIN CREATE TABLE t (); END $$",
                                        "do 'begin execute s; end'", "BEGIN create view v AS"})
        EXPECT_TRUE(may_define(code)) << code;
    for (const std::string_view code : {"", "DO $$ BEGIN PERFORM 1; END $$", "CALL refresh()"})
        EXPECT_FALSE(may_define(code)) << code;
}

}  // namespace
}  // namespace sluice::pg::test
