#include "server/refusal.hpp"

#include "tests/unit/server/source_file.hpp"

#include <gtest/gtest.h>

#include <set>

namespace sluice::server {
namespace {

std::string line_of(const RefusalRow& row) {
    const bool is_fatal = row.severity == pg::Severity::fatal;
    return std::string(row.label) + ": " + (is_fatal ? "FATAL " : "ERROR ") +
           std::string(row.sqlstate) + " " + std::string(row.text) +
           (row.hint.empty() ? "" : " (" + std::string(row.hint) + ")") + "\n";
}

TEST(Refusal, texts_are_those_of_the_golden_file) {
    std::string lines;
    for (std::size_t at = 0; at < refusal_reason_count; ++at)
        lines += line_of(row_of(static_cast<RefusalReason>(at)));
    EXPECT_EQ(lines, source_file("tests/golden/refusals.txt"));
}

TEST(Refusal, every_reason_is_described_and_named_once) {
    const std::string description = source_file("docs/metrics.md");
    std::set<std::string_view> labels;
    for (std::size_t at = 0; at < refusal_reason_count; ++at) {
        const RefusalRow& row = row_of(static_cast<RefusalReason>(at));
        EXPECT_EQ(row.sqlstate.size(), 5U) << row.label;
        EXPECT_TRUE(labels.insert(row.label).second) << row.label;
        EXPECT_NE(description.find("`" + std::string(row.label) + "`"), std::string::npos)
            << row.label;
    }
}

}  // namespace
}  // namespace sluice::server
