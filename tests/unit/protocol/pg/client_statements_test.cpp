#include "protocol/pg/client_statements.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <string>

namespace sluice::pg {
namespace {

using Standing = ClientStatements::Standing;

struct ClientStatementsTest : ::testing::Test {
    StatementCatalog catalog{StatementIds(0, 1), {0, 1}};  // Forgets at once what nobody holds.
    std::optional<ClientStatements> client{catalog};

    std::uint32_t parse(const std::string& name, const std::string& text, std::uint32_t batch) {
        return client->begin_parse(name, catalog.take(text, 0), batch);
    }
    [[nodiscard]] Standing standing(const std::string& name, std::uint32_t batch) const {
        return client->find(name, batch).standing;
    }
};

TEST_F(ClientStatementsTest, sees_its_own_changes_within_a_batch) {
    parse("s", "one", 1);
    EXPECT_EQ(standing("s", 1), Standing::held);
    EXPECT_EQ(standing("s", 2), Standing::undecided);
    client->settle(Outcome::happened);
    EXPECT_EQ(standing("s", 2), Standing::held);
    EXPECT_EQ(client->count(), 1U);
    EXPECT_EQ(standing("t", 2), Standing::absent);
}

TEST_F(ClientStatementsTest, undoes_what_was_read_over) {
    const std::uint32_t slot = parse("s", "one", 1);
    client->settle(Outcome::happened);
    client->begin_close(slot, 2);
    parse("s", "two", 2);
    client->settle(Outcome::read_over);
    client->settle(Outcome::read_over);
    EXPECT_EQ(client->find("s", 3).statement->body(), "one");
    client->begin_close(slot, 3);
    parse("s", "two", 3);
    client->settle(Outcome::happened);
    client->settle(Outcome::failed);
    EXPECT_EQ(standing("s", 4), Standing::absent);
    EXPECT_EQ(client->count(), 0U);
    EXPECT_EQ(client->bytes(), 0U);
    EXPECT_EQ(catalog.size(), 0U) << "nobody holds any";
}

TEST_F(ClientStatementsTest, a_failing_parse_leaves_no_unnamed_statement) {
    parse("", "one", 1);
    client->settle(Outcome::happened);
    parse("", "two", 2);
    client->settle(Outcome::read_over);
    EXPECT_EQ(client->find("", 3).statement->body(), "one");
    parse("", "two", 3);
    client->settle(Outcome::failed);
    EXPECT_EQ(standing("", 4), Standing::absent);
    EXPECT_EQ(client->count(), 0U) << "the unnamed one does not count";
}

TEST_F(ClientStatementsTest, tells_names_apart_by_their_first_63_bytes) {
    parse(std::string(63, 'n') + "a", "one", 1);
    EXPECT_EQ(standing(std::string(63, 'n') + "b", 1), Standing::held);
    EXPECT_EQ(standing(std::string(62, 'n'), 1), Standing::absent);
}

TEST_F(ClientStatementsTest, does_not_know_its_names_while_a_query_may_take_them) {
    const std::uint32_t slot = parse("s", "one", 1);
    client->settle(Outcome::happened);
    parse("", "two", 1);
    client->settle(Outcome::happened);
    client->begin_query(ClientStatements::Names::may_go, 1);
    EXPECT_EQ(standing("s", 1), Standing::undecided);
    EXPECT_EQ(standing("", 1), Standing::absent) << "a query drops the unnamed one";
    client->forget_names();
    client->settle(Outcome::happened);
    EXPECT_EQ(standing("s", 1), Standing::absent);
    EXPECT_EQ(client->name_of(slot), "s") << "for an error that is still to come";
    parse("s", "three", 1);
    client->settle(Outcome::happened);
    EXPECT_EQ(client->find("s", 1).statement->body(), "three");
}

TEST_F(ClientStatementsTest, lets_go_of_everything_at_its_end) {
    for (int round = 0; round < 100; ++round) {
        parse("s" + std::to_string(round), "text " + std::to_string(round), 1);
        if (round % 2 == 0) client->settle(Outcome::happened);
    }
    EXPECT_GT(catalog.size(), 0U);
    client.reset();
    EXPECT_EQ(catalog.size(), 0U);
}

}  // namespace
}  // namespace sluice::pg
