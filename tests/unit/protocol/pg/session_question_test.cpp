#include "protocol/pg/session_question.hpp"

#include "protocol/wire/writer.hpp"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <string>
#include <vector>

namespace sluice::pg {
namespace {

using Columns = std::vector<std::optional<std::string>>;

std::string row_of(const Columns& columns) {
    std::string body;
    wire::Writer writer(body);
    writer.u16(static_cast<std::uint16_t>(columns.size()));
    for (const auto& column : columns) {
        writer.u32(column ? static_cast<std::uint32_t>(column->size()) : 0xffffffffU);
        if (column) writer.raw(*column);
    }
    return body;
}

bool takes(SessionAnswerReader& reader, const Columns& columns) {
    return reader.row_received(wire::as_bytes(row_of(columns)));
}

std::string question_of(Feature doubts, std::span<const std::string_view> placeholders = {}) {
    std::string sql;
    append_session_question(sql, doubts, "app", placeholders);
    return sql;
}

TEST(SessionQuestion, asks_only_for_what_is_in_doubt) {
    EXPECT_EQ(question_of(Feature::none), "");
    EXPECT_NE(question_of(Feature::set).find("pg_show_all_settings"), std::string::npos);
    EXPECT_NE(question_of(Feature::reset).find("'role'"), std::string::npos);
    EXPECT_EQ(question_of(Feature::set).find("pg_lock_status"), std::string::npos);
    EXPECT_EQ(question_of(Feature::listen),
              "SELECT 'kept','listen','' WHERE EXISTS "
              "(SELECT FROM pg_catalog.pg_listening_channels())");
    for (const Feature everything : {Feature::code, Feature::unknown_function}) {
        const std::string sql = question_of(everything);
        for (const char* part : {"pg_show_all_settings", "pg_lock_status", "pg_depend", "pg_cursor",
                                 "pg_listening_channels", "pg_prepared_statement"}) {
            EXPECT_NE(sql.find(part), std::string::npos) << part;
        }
    }
}

TEST(SessionQuestion, names_of_users_and_placeholders_cannot_end_their_constants) {
    const std::array<std::string_view, 1> names{"app.te'nant"};
    std::string sql;
    append_session_question(sql, Feature::set, "o'neil", names);
    EXPECT_NE(sql.find("'o''neil'"), std::string::npos);
    EXPECT_NE(sql.find("ARRAY['app.te''nant']::"), std::string::npos);
}

TEST(SessionAnswer, collects_settings_placeholders_and_what_is_kept) {
    SessionAnswerReader reader;
    EXPECT_TRUE(takes(reader, {"setting", "DateStyle", "53514c2c204d4459"}));
    EXPECT_TRUE(takes(reader, {"setting", "role", "c3a9"}));
    EXPECT_TRUE(takes(reader, {"placeholder", "app.tenant", "37"}));
    EXPECT_TRUE(takes(reader, {"placeholder", "app.reset", ""}));
    EXPECT_FALSE(reader.answer().privileged);
    EXPECT_TRUE(takes(reader, {"privileged", "log_statement", "616c6c"}));
    EXPECT_TRUE(reader.answer().privileged);
    EXPECT_TRUE(takes(reader, {"kept", "listen", ""}));
    EXPECT_TRUE(takes(reader, {"kept", "temporary", ""}));
    const SessionAnswer& answer = reader.answer();
    EXPECT_EQ(answer.settings.find("datestyle"), "SQL, MDY");
    EXPECT_EQ(answer.settings.find("role"), "\xc3\xa9");
    EXPECT_EQ(answer.settings.find("app.tenant"), "7");
    EXPECT_EQ(answer.settings.parameters().size(), 4U);
    EXPECT_EQ(answer.kept, Feature::listen | Feature::temporary);
}

TEST(SessionAnswer, takes_the_timeout_from_before_the_exception) {
    SessionAnswerReader reader;
    EXPECT_TRUE(takes(reader, {"timeout", "statement_timeout", "316d73"}));
    EXPECT_TRUE(takes(reader, {"setting", "statement_timeout", "30"}));
    EXPECT_EQ(reader.answer().settings.find("statement_timeout"), "1ms");
    EXPECT_FALSE(takes(reader, {"timeout", "work_mem", "31"}));
}

TEST(SessionAnswer, names_that_follow_their_clients_keep_nothing) {
    EXPECT_EQ(question_of(Feature::prepare),
              "SELECT 'kept','prepare',p.name FROM pg_catalog.pg_prepared_statement() p "
              "WHERE p.from_sql");
    BackendNames names;
    names.changed("known", StatementId{1});
    SessionAnswerReader reader(names);
    EXPECT_TRUE(takes(reader, {"kept", "prepare", "known"}));
    EXPECT_EQ(reader.answer().kept, Feature::none);
    EXPECT_TRUE(takes(reader, {"kept", "prepare", "made by code"}));
    EXPECT_EQ(reader.answer().kept, Feature::prepare);

    SessionAnswerReader one_that_pins;
    EXPECT_TRUE(takes(one_that_pins, {"kept", "prepare", "known"}));
    EXPECT_EQ(one_that_pins.answer().kept, Feature::prepare);
}

TEST(SessionAnswer, believes_nothing_it_did_not_ask_for) {
    SessionAnswerReader reader;
    EXPECT_FALSE(takes(reader, {}));
    EXPECT_FALSE(takes(reader, {"setting", "work_mem"}));
    EXPECT_FALSE(takes(reader, {"setting", "work_mem", "31", "32"}));
    for (const char* no_hex : {"3", "3g", "g3", "3A", "\xc3\xa9"})
        EXPECT_FALSE(takes(reader, {"setting", "work_mem", no_hex})) << no_hex;
    EXPECT_FALSE(takes(reader, {"setting", "work_mem", std::nullopt})) << "too long";
    EXPECT_FALSE(takes(reader, {"placeholder", "app.tenant", std::nullopt})) << "too long";
    EXPECT_FALSE(takes(reader, {"setting", std::nullopt, "31"}));
    EXPECT_FALSE(takes(reader, {"setting", "user", "31"})) << "reserved in a startup packet";
    EXPECT_FALSE(takes(reader, {"kept", "everything", ""}));
    EXPECT_FALSE(takes(reader, {"other", "work_mem", "31"}));
    EXPECT_FALSE(takes(reader, {std::nullopt, "work_mem", "31"}));
    EXPECT_TRUE(reader.answer().settings.empty());
}

TEST(SessionAnswer, refuses_a_row_cut_short_at_any_byte) {
    const std::string row = row_of({"setting", "work_mem", "384d42"});
    for (std::size_t length = 0; length < row.size(); ++length) {
        SessionAnswerReader reader;
        EXPECT_FALSE(reader.row_received(wire::as_bytes(row).first(length))) << length;
    }
    SessionAnswerReader reader;
    EXPECT_FALSE(reader.row_received(wire::as_bytes(row + "x")));
    EXPECT_TRUE(reader.row_received(wire::as_bytes(row)));
}

}  // namespace
}  // namespace sluice::pg
