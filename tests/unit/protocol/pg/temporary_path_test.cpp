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

}  // namespace
}  // namespace sluice::pg
