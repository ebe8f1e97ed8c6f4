#include "config/values.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

using std::chrono::milliseconds;

TEST(Values, durations_carry_their_unit) {
    EXPECT_EQ(parse_duration("250ms"), milliseconds(250));
    EXPECT_EQ(parse_duration("5s"), milliseconds(5'000));
    EXPECT_EQ(parse_duration("1m"), milliseconds(60'000));
    EXPECT_EQ(parse_duration("2h"), milliseconds(7'200'000));
    EXPECT_EQ(parse_duration("1d"), milliseconds(86'400'000));
    EXPECT_EQ(parse_duration("0"), milliseconds(0));
    EXPECT_EQ(parse_duration("0s"), milliseconds(0));
}

TEST(Values, durations_end_at_ten_years) {
    EXPECT_EQ(parse_duration("3650d"), milliseconds(3'650LL * 86'400'000));
    EXPECT_EQ(parse_duration("3651d"), std::nullopt);
    EXPECT_EQ(parse_duration("18446744073709551615ms"), std::nullopt);
    EXPECT_EQ(parse_duration("18446744073709551616ms"), std::nullopt);
    EXPECT_EQ(parse_duration("213503982334602d"), std::nullopt);
}

TEST(Values, other_durations_are_refused) {
    for (const auto* text : {"", "5", "s", "5 s", " 5s", "5s ", "-5s", "+5s", "0.5s", "5S", "5sec",
                             "1h30m", "5us", "1w", "0x5s", "٥s"}) {
        EXPECT_EQ(parse_duration(text), std::nullopt) << text;
    }
}

TEST(Values, every_prefix_of_a_duration_is_refused_or_a_number) {
    const std::string text = "1250ms";
    for (std::size_t length = 0; length < text.size(); ++length) {
        // "1250m" is minutes; every shorter prefix lacks its unit.
        EXPECT_EQ(parse_duration(text.substr(0, length)).has_value(), length == 5) << length;
    }
}

TEST(Values, sizes_carry_their_unit_or_are_bytes) {
    EXPECT_EQ(parse_bytes("0"), 0U);
    EXPECT_EQ(parse_bytes("512"), 512U);
    EXPECT_EQ(parse_bytes("512B"), 512U);
    EXPECT_EQ(parse_bytes("64KiB"), 65'536U);
    EXPECT_EQ(parse_bytes("1MiB"), 1'048'576U);
    EXPECT_EQ(parse_bytes("2GiB"), 2'147'483'648U);
    EXPECT_EQ(parse_bytes("4kB"), 4'000U);
    EXPECT_EQ(parse_bytes("4MB"), 4'000'000U);
    EXPECT_EQ(parse_bytes("4GB"), 4'000'000'000U);
    EXPECT_EQ(parse_bytes("17179869183GiB"), 18'446'744'072'635'809'792U);
}

TEST(Values, other_sizes_are_refused) {
    for (const auto* text : {"", "KiB", "4k", "4K", "4kb", "4KB", "4kib", "4 KiB", "-1", "1.5MiB",
                             "17179869184GiB", "18446744073709551616"}) {
        EXPECT_EQ(parse_bytes(text), std::nullopt) << text;
    }
}

TEST(Values, file_modes_are_octal) {
    EXPECT_EQ(parse_file_mode("0770"), 0770U);
    EXPECT_EQ(parse_file_mode("770"), 0770U);
    EXPECT_EQ(parse_file_mode("0000"), 0U);
    EXPECT_EQ(parse_file_mode("0777"), 0777U);
    for (const auto* text : {"", "0", "77", "07777", "1777", "0778", "rwx", "0o770", "-770"}) {
        EXPECT_EQ(parse_file_mode(text), std::nullopt) << text;
    }
}

TEST(Values, shows_durations_in_their_largest_whole_unit) {
    EXPECT_EQ(show(Duration{0}), "0");
    EXPECT_EQ(show(Duration{250}), "250ms");
    EXPECT_EQ(show(Duration{1'500}), "1500ms");
    EXPECT_EQ(show(Duration{5'000}), "5s");
    EXPECT_EQ(show(Duration{90'000}), "90s");
    EXPECT_EQ(show(Duration{120'000}), "2m");
    EXPECT_EQ(show(Duration{3'600'000}), "1h");
    EXPECT_EQ(show(Duration{86'400'000}), "1d");
}

TEST(Values, shows_sizes_in_their_largest_whole_unit) {
    EXPECT_EQ(show(std::uint64_t{0}), "0");
    EXPECT_EQ(show(std::uint64_t{1'000}), "1000");
    EXPECT_EQ(show(std::uint64_t{1'024}), "1KiB");
    EXPECT_EQ(show(std::uint64_t{1'536}), "1536");
    EXPECT_EQ(show(std::uint64_t{256} << 20), "256MiB");
    EXPECT_EQ(show(std::uint64_t{2'147'483'647}), "2147483647");
}

TEST(Values, what_is_shown_can_be_read_again) {
    for (const std::int64_t count : {1, 999, 1'000, 60'000, 61'000, 3'600'000, 86'400'000}) {
        EXPECT_EQ(parse_duration(show(Duration{count})), Duration{count});
    }
    for (const std::uint64_t bytes : {1ULL, 1'000ULL, 1'024ULL, 1ULL << 20, 3ULL << 30}) {
        EXPECT_EQ(parse_bytes(show(bytes)), bytes);
    }
    for (std::uint32_t mode = 0; mode <= 0777; ++mode) {
        EXPECT_EQ(parse_file_mode(show_file_mode(mode)), mode);
    }
}

TEST(Values, shows_no_secret) {
    EXPECT_EQ(show(Secret("hunter2")), "(set)");
    EXPECT_EQ(show(Secret()), "(none)");
}

TEST(Values, names_every_word_as_the_file_spells_it) {
    EXPECT_EQ(show(PoolMode::session), "session");
    EXPECT_EQ(show(PoolMode::transaction), "transaction");
    EXPECT_EQ(show(PoolMode::statement), "statement");
    EXPECT_EQ(show(AuthMethod::trust), "trust");
    EXPECT_EQ(show(AuthMethod::password), "password");
    EXPECT_EQ(show(AuthMethod::md5), "md5");
    EXPECT_EQ(show(AuthMethod::scram_sha_256), "scram-sha-256");
    EXPECT_EQ(show(LogLevel::warning), "warning");
    EXPECT_EQ(show(LogFormat::json), "json");
}

}  // namespace
}  // namespace sluice::config
