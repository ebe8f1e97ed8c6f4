#include "protocol/pg/backend_statements.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace sluice::pg {
namespace {

using Presence = BackendStatements::Presence;
constexpr StatementId a{1};
constexpr StatementId b{2};
constexpr StatementId c{3};

BackendStatements with(std::initializer_list<StatementId> ids) {
    BackendStatements statements;
    for (const StatementId id : ids) {
        statements.parse_sent(id, 1);
        statements.parse_settled(id, true);
    }
    return statements;
}

TEST(BackendStatements, believe_in_a_batch_and_doubt_behind_it) {
    BackendStatements statements;
    EXPECT_EQ(statements.presence(a, 1), Presence::absent);
    statements.parse_sent(a, 1);
    EXPECT_EQ(statements.presence(a, 1), Presence::present);
    EXPECT_EQ(statements.presence(a, 2), Presence::doubtful);
    // Close and Parse are right whatever became of the first.
    statements.close_sent(a, 2);
    EXPECT_EQ(statements.presence(a, 2), Presence::absent);
    statements.parse_sent(a, 2);
    EXPECT_EQ(statements.presence(a, 2), Presence::present);
    statements.parse_settled(a, false);
    statements.close_settled(a, true);
    EXPECT_EQ(statements.presence(a, 3), Presence::doubtful);
    statements.parse_settled(a, true);
    EXPECT_EQ(statements.presence(a, 3), Presence::present);
    EXPECT_EQ(statements.size(), 1U);
}

TEST(BackendStatements, keep_what_was_not_closed_after_all) {
    BackendStatements statements = with({a});
    statements.close_sent(a, 2);
    EXPECT_EQ(statements.size(), 0U);
    statements.close_settled(a, false);
    EXPECT_EQ(statements.presence(a, 3), Presence::present);
    EXPECT_EQ(statements.size(), 1U);
}

TEST(BackendStatements, give_up_the_least_recently_used) {
    BackendStatements statements = with({a, b, c});
    EXPECT_EQ(statements.surplus(4), std::nullopt);
    EXPECT_EQ(statements.surplus(3), a);
    EXPECT_EQ(statements.surplus(0), std::nullopt) << "no limit";
    statements.touch(a);
    EXPECT_EQ(statements.surplus(3), b);
    statements.close_sent(b, 2);
    EXPECT_EQ(statements.surplus(2), c);
}

TEST(BackendStatements, listen_to_the_server) {
    BackendStatements statements = with({a, b});
    statements.distrust(a);
    EXPECT_EQ(statements.presence(a, 2), Presence::doubtful);
    statements.forget_all();
    EXPECT_EQ(statements.presence(a, 2), Presence::absent);
    EXPECT_EQ(statements.presence(b, 2), Presence::absent);
    EXPECT_EQ(statements.size(), 0U);
}

TEST(BackendStatements, move_with_their_backend) {
    BackendStatements statements = with({a, b});
    BackendStatements moved = std::move(statements);
    moved.touch(a);
    EXPECT_EQ(moved.surplus(2), b);
    EXPECT_EQ(moved.size(), 2U);
}

TEST(BackendStatements, know_the_unnamed_one_only_for_certain) {
    BackendStatements statements;
    EXPECT_TRUE(statements.unnamed_is({}, 1));
    statements.unnamed_sent(a, 1);
    EXPECT_TRUE(statements.unnamed_is(a, 1));
    EXPECT_FALSE(statements.unnamed_is(a, 2)) << "not answered";
    statements.unnamed_settled(true);
    EXPECT_TRUE(statements.unnamed_is(a, 2));
    statements.unnamed_sent(b, 2);
    statements.unnamed_settled(false);
    EXPECT_FALSE(statements.unnamed_is(a, 3));
    EXPECT_FALSE(statements.unnamed_is(b, 3));
    EXPECT_FALSE(statements.unnamed_is({}, 3));
    statements.unnamed_gone();
    EXPECT_TRUE(statements.unnamed_is({}, 3));
}

}  // namespace
}  // namespace sluice::pg
