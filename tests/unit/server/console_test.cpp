#include "server/admin/console.hpp"

#include "server/admin/socket_columns.hpp"

#include "tests/unit/server/console_frames.hpp"
#include "tests/unit/server/console_sample.hpp"
#include "tests/unit/server/snapshot_sample.hpp"
#include "tests/unit/server/source_file.hpp"

#include <gtest/gtest.h>

namespace sluice::server {
namespace {

using namespace std::chrono_literals;
using Kind = ConsoleCommand::Kind;

TEST(Console, shows_what_the_golden_files_say) {
    const config::Postgres postgres = postgres_sample();
    const Snapshot snapshot = snapshot_sample();
    for (const Show* show : shows()) {
        const std::string reply =
            console_reply({Kind::show, show, {}}, snapshot, facts_sample(postgres));
        const std::string path = "tests/golden/console_" + std::string(show->word) + ".txt";
        EXPECT_EQ(text_of(reply), source_file(path)) << path;
    }
}

TEST(Console, answers_before_there_is_anything_to_show) {
    for (const Show* show : shows()) {
        const std::string types = types_of(console_reply({Kind::show, show, {}}, {}, {}));
        EXPECT_TRUE(types.starts_with('T')) << show->word;
        EXPECT_TRUE(types.ends_with("CZ")) << show->word;
    }
}

TEST(Console, welcome_says_who_it_is_and_is_ready) {
    std::string out;
    append_console_welcome(out, facts_sample(postgres_sample()));
    EXPECT_EQ(types_of(out), "SSSSSSSSSZ");
    EXPECT_EQ(frames_of(out)[0].body, std::string("server_version\0"
                                                  "0.1.0/sluice\0",
                                                  28));
}

TEST(ConsoleCommand, is_recognised_however_it_is_written) {
    const std::pair<const char*, const Show*> cases[] = {
        {"SHOW POOLS", &show_pools},
        {"show pools;", &show_pools},
        {"  Show\n\tPools  ;  ", &show_pools},
        {"SHOW \"pools\"", &show_pools},
        {"SHOW 'POOLS';", &show_pools},
        {"/* from a tool */ SHOW POOLS -- now", &show_pools},
        {"-- first\nSHOW VERSION", &show_version},
        {"SHOW CLIENTS", &show_clients},
        {"SHOW SERVERS", &show_servers},
        {"SHOW CONFIG", &show_config},
        {"SHOW STATS", &show_stats},
        {"SHOW LISTS", &show_lists},
        {"SHOW DATABASES", &show_databases},
        {"SHOW HELP", &show_help},
    };
    for (const auto& [sql, show] : cases) {
        const ConsoleCommand command = parse_console_command(sql);
        EXPECT_EQ(command.kind, Kind::show) << sql;
        EXPECT_EQ(command.show, show) << sql;
    }
}

TEST(ConsoleCommand, everything_else_has_its_answer) {
    const std::pair<const char*, Kind> cases[] = {
        {"", Kind::empty},
        {" ; ", Kind::empty},
        {"-- nothing", Kind::empty},
        {"/* nothing */;", Kind::empty},
        {"SET client_encoding TO 'UTF8'", Kind::set},
        {"set extra_float_digits = 3", Kind::set},
        {"SET SESSION application_name = 'x'", Kind::set},
        {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Kind::set},
        {"SET TIME ZONE 'UTC'", Kind::set},
        {"SET NAMES 'utf8'", Kind::set},
        {"SET pool_size = 50", Kind::not_supported},
        {"SET", Kind::not_supported},
        {"PAUSE", Kind::not_supported},
        {"reconnect app;", Kind::not_supported},
        {"SHUTDOWN", Kind::not_supported},
        {"SHOW", Kind::invalid},
        {"SHOW POOL", Kind::invalid},
        {"SHOW POOLSX", Kind::invalid},
        {"SHOWPOOLS", Kind::invalid},
        {"SHOW POOLS POOLS", Kind::invalid},
        {"SHOW POOLS; SHOW STATS", Kind::invalid},
        {"SHOW POOLS;;", Kind::invalid},
        {"SHOW \"pools", Kind::invalid},
        {"SELECT 1", Kind::invalid},
        {";SHOW POOLS", Kind::invalid},
        {"/* open SHOW POOLS", Kind::invalid},
        {"\"", Kind::invalid},
        {"\x80\xff", Kind::invalid},
    };
    for (const auto& [sql, kind] : cases)
        EXPECT_EQ(parse_console_command(sql).kind, kind) << sql;
}

TEST(ConsoleCommand, every_beginning_of_a_command_is_decided) {
    const std::string_view sql = "/* a */ SHOW \"pools\" -- b\n;";
    for (std::size_t length = 0; length <= sql.size(); ++length) {
        const ConsoleCommand command = parse_console_command(sql.substr(0, length));
        // All but half a comment behind it, which is one dash.
        EXPECT_EQ(command.kind == Kind::show, length >= 20 && length != 22) << length;
    }
}

TEST(ConsoleCommand, an_error_quotes_little_and_only_plain_letters) {
    const ConsoleCommand command = parse_console_command("x\xff\n" + std::string(1000, 'y'));
    EXPECT_EQ(command.text, "x??" + std::string(37, 'y') + "...");
    EXPECT_EQ(text_of(console_reply(parse_console_command("SELECT 1"), {}, {})),
              "E ERROR 42601 unknown console command \"SELECT 1\" (SHOW HELP lists the commands.)\n"
              "Z I\n");
    EXPECT_EQ(sqlstate_of(console_reply(parse_console_command("PAUSE"), {}, {})), "0A000");
}

TEST(Console, answers_what_needs_no_table) {
    EXPECT_EQ(text_of(console_reply(parse_console_command(";"), {}, {})), "I\nZ I\n");
    EXPECT_EQ(text_of(console_reply(parse_console_command("SET jit = off"), {}, {})),
              "C SET\nZ I\n");
}

TEST(TableWriter, numbers_stay_within_their_type) {
    constexpr std::array<Column, 3> columns{
        {{"a", ColumnType::int4}, {"b", ColumnType::int8}, {"c"}}};
    const std::uint64_t huge = ~std::uint64_t{0};
    std::string text;
    TableWriter(text, columns).row({huge, huge, nullptr});
    EXPECT_EQ(text_of(text), "D | 2147483647 | 9223372036854775807 | (null)\n");

    constexpr std::array<Format, 1> binary{Format::binary};
    std::string bytes;
    TableWriter(bytes, columns, binary).row({-2, std::int64_t{1} << 33, "x"});
    using namespace std::string_view_literals;
    EXPECT_EQ(frames_of(bytes)[0].body,
              "\0\3\0\0\0\4\xff\xff\xff\xfe\0\0\0\x8\0\0\0\2\0\0\0\0\0\0\0\1x"sv);
}

TEST(SocketColumns, split_every_form_of_address) {
    const struct {
        const char* address;
        std::string_view addr;
        int port;
    } cases[] = {
        {"127.0.0.1:5432", "127.0.0.1", 5432},
        {"[::1]:6432", "::1", 6432},
        {"unix", "unix", 0},
        {"unix:/run/postgresql/.s.PGSQL.5432", "unix", 5432},
        {"unix:/run/socket", "unix", 0},
        {"", "", 0},
        {"host", "host", 0},
        {"host:", "host:", 0},
        {"12", "12", 0},
        {"host:99999", "host", 0},
    };
    for (const auto& row : cases) {
        const SocketColumns columns = socket_columns(row.address);
        EXPECT_EQ(columns.addr, row.addr) << row.address;
        EXPECT_EQ(columns.port, row.port) << row.address;
    }
}

TEST(SocketColumns, times_and_ids_as_text) {
    const std::chrono::sys_days day{2024y / 2 / 29};
    EXPECT_EQ(timestamp_text(day + 23h + 59min + 59s + 999ms), "2024-02-29 23:59:59 UTC");
    EXPECT_EQ(timestamp_text({}), "1970-01-01 00:00:00 UTC");
    EXPECT_EQ(pointer_text(0), "");
    EXPECT_EQ(pointer_text(~std::uint64_t{0}), "0xffffffffffffffff");
}

}  // namespace
}  // namespace sluice::server
