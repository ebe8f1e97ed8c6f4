#include "config/assignment.hpp"

#include "tests/unit/config/problem_texts.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

/// The key path with its parts in brackets, and the value at its end.
struct Flat {
    std::string path;
    Value value;
};

Flat flatten(const Document& document) {
    Flat flat;
    const Table* table = &document.root;
    while (table != nullptr && table->size() == 1) {
        flat.path += "[" + table->front().key + "]";
        flat.value = table->front().value;
        table = std::get_if<Table>(&table->front().value.content);
    }
    return flat;
}

TEST(Assignment, splits_the_key_outside_of_quotes) {
    EXPECT_EQ(flatten(parse_assignment({"postgres.pool_size", "1"})).path, "[postgres][pool_size]");
    EXPECT_EQ(flatten(parse_assignment({"postgres.databases.\"a.b\".host", "x"})).path,
              "[postgres][databases][a.b][host]");
    EXPECT_EQ(flatten(parse_assignment({"postgres.databases.*.host", "x"})).path,
              "[postgres][databases][*][host]");
}

TEST(Assignment, takes_toml_or_else_text) {
    const auto value_of = [](const char* text) {
        return flatten(parse_assignment({"a.b", text})).value;
    };
    EXPECT_EQ(std::get<std::int64_t>(value_of("10").content), 10);
    EXPECT_EQ(std::get<bool>(value_of("true").content), true);
    EXPECT_EQ(std::get<std::string>(value_of("5s").content), "5s");
    EXPECT_EQ(std::get<std::string>(value_of("\"5s\"").content), "5s");
    EXPECT_EQ(std::get<std::string>(value_of("").content), "");
    EXPECT_EQ(std::get<List>(value_of("['a', 'b']").content).size(), 2U);
    EXPECT_EQ(std::get<std::string>(value_of("1\n[x]").content), "1\n[x]");
}

TEST(Assignment, refuses_a_key_without_form) {
    for (const auto* key : {"", ".", "a.", ".a", "a..b", "a.\"b", "a.b.c.d.e.f.g.h.i"}) {
        EXPECT_TRUE(says(parse_assignment({key, "1"}).problems, "--set: error", "wanted a key"))
            << key;
    }
}

}  // namespace
}  // namespace sluice::config
