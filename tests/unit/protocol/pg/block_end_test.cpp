#include "protocol/pg/block_end.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace sluice::pg {
namespace {

TEST(BlockEnd, is_told_by_the_first_words) {
    using enum BlockEnd;
    static constexpr std::array<std::pair<std::string_view, BlockEnd>, 29> texts{{
        {"COMMIT", commit},
        {"commit;", commit},
        {" \t\n Commit WORK AND CHAIN", commit},
        {"END", commit},
        {"end transaction", commit},
        {"PREPARE TRANSACTION 'x'", commit},
        {"-- app\nCOMMIT", commit},
        {"/* app /* nested */ */COMMIT", commit},
        {"COMMIT/**/", commit},
        {"COMMIT; BEGIN", commit},
        {"ROLLBACK", rollback},
        {"rollback work", rollback},
        {"ROLLBACK TRANSACTION;", rollback},
        {"ROLLBACK AND NO CHAIN", rollback},
        {"ROLLBACK; SELECT 1", rollback},
        {"ABORT", rollback},
        {"ROLLBACK TO s", none},
        {"ROLLBACK TO SAVEPOINT s", none},
        {"ROLLBACK WORK TO s", none},
        {"rollback/* */to s", none},
        {"ROLLBACK PREPARED 'x'", none},
        {"COMMIT PREPARED 'x'", none},
        {"PREPARE s AS SELECT 1", none},
        {"committed", none},
        {"COMMI", none},
        {"SELECT 1; COMMIT", none},
        {"/* COMMIT", none},
        {"-- COMMIT", none},
        {"", none},
    }};
    for (const auto& [text, end] : texts)
        EXPECT_EQ(block_end_of(text), end) << text;
}

TEST(BlockEnd, takes_any_beginning_of_a_text) {
    const std::string text = "/* one /* two */ */ -- three\n ROLLBACK WORK TO SAVEPOINT s";
    for (std::size_t bytes = 0; bytes <= text.size(); ++bytes)
        std::ignore = block_end_of(std::string_view(text).substr(0, bytes));
}

TEST(MentionsBlockBegin, looks_for_the_words_behind_semicolons) {
    for (const std::string_view text :
         {"begin", " /* c */ Start transaction", "SELECT 1; BEGIN", "SELECT 1;begin;", ";;;BEGIN",
          "SELECT 1; /* c */ sTART TRANSACTION; SELECT 2", "SELECT 1;\n-- c\nBEGIN",
          "SELECT 1 /* ; */ begin", "SELECT ';', 'begin'"}) {
        EXPECT_TRUE(mentions_block_begin(text)) << text;
    }
    for (const std::string_view text :
         {"", ";", "SELECT 1", "SELECT 1;", "SELECT begin FROM t", "SELECT 1; SELECT begins",
          "SELECT 1; SELECT _begin", "SELECT 1; SELECT begin1", "BEGINS; SELECT 1",
          "SELECT 1; BEGI", "SELECT start; COMMIT"}) {
        EXPECT_FALSE(mentions_block_begin(text)) << text;
    }
}

}  // namespace
}  // namespace sluice::pg
