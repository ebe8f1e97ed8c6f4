#include "protocol/pg/temporary_path.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace sluice::pg {
namespace {

TEST(TemporaryPath, is_one_that_names_the_schema_in_any_way) {
    for (const std::string_view path : {"pg_temp", "PG_TEMP", "\"pg_temp\", public", "app, pg_temp",
                                        "pg_temp_3", "$user,Pg_Temp"})
        EXPECT_TRUE(names_temporary_schema(path)) << path;
    for (const std::string_view path : {"", "public", "\"$user\", public", "pg_tem", "temp"})
        EXPECT_FALSE(names_temporary_schema(path)) << path;
}

TEST(TemporaryPath, texts_that_may_make_something) {
    for (const std::string_view text :
         {"CREATE TABLE x (i int)", "create view v as select 1", "SELECT 1 AS a INTO x",
          "INSERT INTO a VALUES (1); CREATE TABLE x ()", "INSERT INTO a SELECT 1; SELECT 1 INTO x",
          "/**/ INSERT INTO a VALUES (1)", "WITH w AS (SELECT 1) INSERT INTO a SELECT 1",
          "insert/**/into a values (1)", "Create"})
        EXPECT_TRUE(may_create(text)) << text;
    for (const std::string_view text :
         {"", " ", "SELECT 1", "INSERT INTO a VALUES (1)", " \n\tinsert \n into a values (1)",
          "UPDATE a SET i = 1", "DROP TABLE a", "INSERT", "insert into"})
        EXPECT_FALSE(may_create(text)) << text;
}

}  // namespace
}  // namespace sluice::pg
