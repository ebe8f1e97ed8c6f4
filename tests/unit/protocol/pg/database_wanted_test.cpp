#include "protocol/pg/database_wanted.hpp"

#include "client_talk.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

namespace sluice::pg::test {
namespace {

std::string wanted(const std::string& frame) {
    const wire::Bytes bytes = wire::as_bytes(frame);
    const auto name = database_wanted(bytes);
    EXPECT_TRUE(!name || may_want_database(bytes)) << frame;
    return name.value_or("none");
}

TEST(DatabaseWanted, is_what_must_have_no_sessions) {
    struct Case {
        std::string_view sql;
        std::string_view name;
    };
    const std::vector<Case> cases{
        {"DROP DATABASE one", "one"},
        {"drop database if exists ONE;", "one"},
        {" /* x */ DROP -- y\n DATABASE \"One \"\"two\" (FORCE)", "One \"two"},
        {"DROP DATABASE IF EXISTS \"if\"", "if"},
        {"DROP DATABASE \"if\"", "if"},
        {"ALTER DATABASE one RENAME TO two", "one"},
        {"ALTER DATABASE one SET work_mem = 1", "none"},
        {"CREATE DATABASE two TEMPLATE one", "one"},
        {"CREATE DATABASE two WITH OWNER=me TEMPLATE = \"One\"", "One"},
        {"CREATE DATABASE two", "none"},
        {"DROP TABLE database_of_mine", "none"},
        {"DROP DATABASE if exists", "none"},
        {"SELECT 'DROP DATABASE one'", "none"},
        {"drop databases one two", "none"},
    };
    for (const Case& one : cases) {
        EXPECT_EQ(wanted(query_frame(std::string(one.sql))), one.name) << one.sql;
        EXPECT_EQ(wanted(parse_frame("s", std::string(one.sql))), one.name) << one.sql;
    }
}

TEST(DatabaseWanted, is_not_looked_for_where_it_cannot_stand) {
    EXPECT_FALSE(may_want_database(wire::as_bytes(query_frame("SELECT 1 FROM numbers"))));
    EXPECT_FALSE(may_want_database(wire::as_bytes(query_frame("DROP TABLE t"))));
    EXPECT_FALSE(may_want_database(wire::as_bytes(std::string(sync_frame))));
    EXPECT_FALSE(may_want_database({}));
}

TEST(DatabaseWanted, reads_any_beginning_of_a_frame) {
    const std::string whole =
        query_frame("/* a */ DROP DATABASE IF EXISTS \"a\"\"b\" -- c") + parse_frame("s", "CREATE");
    for (std::size_t bytes = 0; bytes <= whole.size(); ++bytes) {
        const std::string part = whole.substr(0, bytes);
        EXPECT_NO_THROW(static_cast<void>(wanted(part)));
    }
}

}  // namespace
}  // namespace sluice::pg::test
