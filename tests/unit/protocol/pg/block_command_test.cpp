#include "protocol/pg/block_command.hpp"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace sluice::pg {
namespace {

TEST(BlockCommand, is_told_by_the_whole_text) {
    using enum BlockCommand;
    for (const auto& [text, command] : {
             std::pair<std::string_view, BlockCommand>{"BEGIN", begin},
             {"begin;", begin},
             {" \t\r\n\f Begin ; ;", begin},
             {"BEGIN WORK", begin},
             {"BEGIN TRANSACTION", begin},
             {"BEGIN READ ONLY", begin},
             {"BEGIN ISOLATION LEVEL REPEATABLE READ", begin},
             {"BEGIN ISOLATION LEVEL READ COMMITTED, READ ONLY", begin},
             {"BEGIN WORK ISOLATION LEVEL READ UNCOMMITTED READ ONLY NOT DEFERRABLE", begin},
             {"BEGIN DEFERRABLE,READ ONLY", begin},
             {"START TRANSACTION", start_transaction},
             {"start transaction read only;", start_transaction},
             {"COMMIT", commit},
             {"commit work;", commit},
             {"END TRANSACTION", commit},
             {"ROLLBACK", rollback},
             {"abort transaction", rollback},
         }) {
        EXPECT_EQ(block_command_of(text), command) << text;
    }
}

TEST(BlockCommand, is_none_where_the_server_may_object_or_do_more) {
    for (const std::string_view text : {
             "",
             ";",
             "SELECT 1",
             "BEGINS",
             "BEGIN$",
             "BEGIN1",
             "BEGIN.",
             "BEGIN 'x'",
             "BEGIN \"work\"",
             "BEGIN WORK TRANSACTION",
             "BEGIN; SELECT 1",
             "BEGIN; BEGIN",
             "BEGIN /* c */",
             "/* c */ BEGIN",
             "BEGIN --",
             "BEGIN\v",
             "BEGIN,",
             "BEGIN , READ ONLY",
             "BEGIN READ ONLY,",
             "BEGIN READ ONLY,, DEFERRABLE",
             "BEGIN READ",
             "BEGIN READ WRITE",
             "BEGIN ISOLATION",
             "BEGIN ISOLATION LEVEL",
             "BEGIN ISOLATION LEVEL SERIALIZABLE",
             "BEGIN ISOLATION LEVEL REPEATABLE",
             "BEGIN ISOLATION LEVEL READ",
             "BEGIN ISOLATION LEVEL READ ONLY",
             "BEGIN READ ONLY READ ONLY",
             "BEGIN NOT",
             "BEGIN NOT READ ONLY",
             "BEGIN DEFERRABLE NOT DEFERRABLE",
             "START",
             "START WORK",
             "START TRANSACTION WORK",
             "COMMIT AND CHAIN",
             "COMMIT AND NO CHAIN",
             "COMMIT PREPARED 'x'",
             "ROLLBACK TO s",
             "ROLLBACK WORK TO SAVEPOINT s",
             "COMMIT; BEGIN",
         }) {
        EXPECT_EQ(block_command_of(text), BlockCommand::none) << text;
    }
    const std::string blanks(block_command_bytes_max - 5, ' ');
    EXPECT_EQ(block_command_of(blanks + "BEGIN"), BlockCommand::begin);
    EXPECT_EQ(block_command_of(blanks + " BEGIN"), BlockCommand::none) << "one byte too long";
}

}  // namespace
}  // namespace sluice::pg
