#include "protocol/pg/statement_catalog.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <set>
#include <string>

namespace sluice::pg {
namespace {

TEST(StatementIds, differ_between_workers) {
    std::set<std::uint64_t> seen;
    for (unsigned worker = 0; worker < 3; ++worker) {
        StatementIds ids(worker, 3);
        for (int i = 0; i < 100; ++i) {
            const StatementId id = ids.next();
            EXPECT_TRUE(id);
            EXPECT_TRUE(seen.insert(id.value).second);
        }
    }
}

TEST(StatementName, is_short_and_tells_ids_apart) {
    EXPECT_EQ(StatementName(StatementId{0}).text(), "sluice_0");
    EXPECT_EQ(StatementName(StatementId{35}).text(), "sluice_z");
    EXPECT_EQ(StatementName(StatementId{36}).text(), "sluice_10");
    EXPECT_EQ(StatementName(StatementId{~std::uint64_t{0}}).text(), "sluice_3w5e11264sgsf");
}

TEST(StatementCatalog, gives_equal_statements_one_id) {
    StatementCatalog catalog(StatementIds(0, 1), {});
    Statement& one = catalog.take("SELECT 1", 7);
    EXPECT_EQ(&catalog.take("SELECT 1", 7), &one);
    EXPECT_EQ(one.sightings(), 2U);
    EXPECT_NE(catalog.take("SELECT 1", 8).id(), one.id()) << "other settings";
    EXPECT_NE(catalog.take("SELECT 2", 7).id(), one.id()) << "another text, or other types";
    EXPECT_EQ(catalog.size(), 3U);
}

TEST(StatementCatalog, keeps_what_is_held_and_forgets_the_oldest_of_the_rest) {
    StatementCatalog catalog(StatementIds(0, 1), {2, 0});
    Statement& held = catalog.take("held", 0);
    catalog.release(catalog.take("a", 0));
    const StatementId a = [&] {
        Statement& statement = catalog.take("a", 0);
        catalog.release(statement);
        return statement.id();
    }();
    EXPECT_EQ(catalog.size(), 2U);
    catalog.release(catalog.take("b", 0));
    EXPECT_EQ(catalog.size(), 2U) << "max and not one more";
    EXPECT_NE(catalog.take("a", 0).id(), a) << "forgotten";
    EXPECT_EQ(&catalog.take("held", 0), &held);
}

TEST(StatementCatalog, is_bounded_in_bytes) {
    const std::size_t each = sizeof(Statement) + 100;
    StatementCatalog catalog(StatementIds(0, 1), {0, 3 * each});
    for (int i = 0; i < 50; ++i) {
        std::string text(100, 'x');
        text += std::to_string(i);
        catalog.release(catalog.take(text.substr(text.size() - 100), 0));
        EXPECT_LE(catalog.bytes(), 3 * each);
    }
    EXPECT_EQ(catalog.size(), 3U);
}

}  // namespace
}  // namespace sluice::pg
