#include "protocol/pg/startup.hpp"

#include "protocol/wire/writer.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <string>

namespace sluice::pg {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using wire::as_bytes;
using Reply = StartupViolation::Reply;

/// A first packet with this code and body. Kept to the end, since a parsed message views it.
const std::string& packet(std::uint32_t code, std::string_view body) {
    static std::deque<std::string> kept;
    std::string& out = kept.emplace_back();
    wire::Writer(out).begin_frame('\0').u32(code).raw(body).end_frame();
    return out;
}

const std::string& startup(std::string_view body, std::uint32_t version = protocol_3_0) {
    return packet(version, body);
}

StartupMessage parse_good(const std::string& bytes) {
    StartupResult result = parse_startup(as_bytes(bytes));
    EXPECT_EQ(result.packet_bytes, bytes.size());
    auto* const message = std::get_if<StartupMessage>(&result.packet);
    EXPECT_NE(message, nullptr);
    return message ? *message : StartupMessage{};
}

StartupViolation violation_of(const std::string& bytes, std::size_t bytes_max = startup_bytes_max) {
    const StartupResult result = parse_startup(as_bytes(bytes), bytes_max);
    EXPECT_EQ(result.packet_bytes, 0U);
    const auto* const violation = std::get_if<StartupViolation>(&result.packet);
    EXPECT_NE(violation, nullptr);
    return violation ? *violation : StartupViolation{};
}

const std::string full =
    startup("user\0ann\0database\0shop\0application_name\0x\0search_path\0a, \"B\"\0\0"sv);

TEST(Startup, reads_user_database_and_parameters_in_order) {
    const StartupMessage message = parse_good(full);
    EXPECT_EQ(message.user, "ann");
    EXPECT_EQ(message.database, "shop");
    const std::vector<StartupParameter> expected{{"application_name", "x"},
                                                 {"search_path", "a, \"B\""}};
    EXPECT_EQ(message.parameters, expected);
    EXPECT_EQ(message.find("application_name"), "x");
    EXPECT_EQ(message.find("absent"), "");
    EXPECT_FALSE(message.needs_negotiation());
}

TEST(Startup, every_prefix_is_incomplete_and_asks_for_more) {
    for (std::size_t size = 0; size < full.size(); ++size) {
        const StartupResult result = parse_startup(as_bytes(full).first(size));
        const auto* const incomplete = std::get_if<StartupIncomplete>(&result.packet);
        ASSERT_NE(incomplete, nullptr) << size;
        EXPECT_GT(incomplete->bytes_wanted, size);
        EXPECT_LE(incomplete->bytes_wanted, full.size());
    }
}

TEST(Startup, bytes_behind_the_packet_are_left_to_the_caller) {
    const std::string bytes = full + "more";
    EXPECT_EQ(parse_startup(as_bytes(bytes)).packet_bytes, full.size());
}

TEST(Startup, every_body_cut_short_is_a_bad_layout) {
    const std::string_view body = std::string_view(full).substr(8);
    for (std::size_t size = 0; size < body.size(); ++size) {
        const std::string bytes = startup(body.substr(0, size));
        const StartupViolation violation = violation_of(bytes);
        EXPECT_EQ(violation.reply, Reply::error) << size;
        EXPECT_EQ(violation.sqlstate, "08P01") << size;
    }
    EXPECT_EQ(violation_of(startup("user\0ann\0\0x"sv)).sqlstate, "08P01");
}

TEST(Startup, length_is_refused_from_its_four_bytes) {
    for (const std::string& bytes : {"\0\0\0\x07"s, "\0\0\0\0"s, "\xff\xff\xff\xff"s, "\x80\0\0\0"s,
                                     "GET "s, "\x16\x03\x01\x02"s}) {
        EXPECT_EQ(violation_of(bytes).reply, Reply::none);
    }
}

TEST(Startup, length_limit_holds_on_both_sides) {
    const std::string empty = startup("user\0a\0x\0\0\0"sv);
    const std::string fill(startup_bytes_max - empty.size(), 'v');
    const std::string longest = startup("user\0a\0x\0"s + fill + "\0\0"s);
    ASSERT_EQ(longest.size(), startup_bytes_max);
    EXPECT_EQ(parse_good(longest).find("x"), fill);
    EXPECT_EQ(violation_of(startup("user\0a\0x\0"s + fill + "v\0\0"s)).reply, Reply::none);
    EXPECT_EQ(violation_of(full, full.size() - 1).reply, Reply::none);
}

TEST(Startup, encryption_requests_have_no_body) {
    const StartupResult ssl = parse_startup(as_bytes("\0\0\0\x08\x04\xd2\x16\x2f"sv));
    EXPECT_TRUE(std::holds_alternative<SslRequest>(ssl.packet));
    EXPECT_EQ(ssl.packet_bytes, 8U);
    const StartupResult gss = parse_startup(as_bytes("\0\0\0\x08\x04\xd2\x16\x30"sv));
    EXPECT_TRUE(std::holds_alternative<GssEncRequest>(gss.packet));
    EXPECT_EQ(violation_of("\0\0\0\x09\x04\xd2\x16\x2f"s).reply, Reply::none);
    EXPECT_EQ(violation_of("\0\0\0\x09\x04\xd2\x16\x30"s).reply, Reply::none);
}

TEST(Startup, cancel_request_carries_a_key_of_1_to_256_bytes) {
    for (const std::size_t size : {1U, 4U, 32U, 256U}) {
        const std::string key(size, 'k');
        std::string bytes;
        append_cancel_request(bytes, 0x80000001U, as_bytes(key));
        const StartupResult result = parse_startup(as_bytes(bytes));
        const auto* const cancel = std::get_if<CancelRequest>(&result.packet);
        ASSERT_NE(cancel, nullptr);
        EXPECT_EQ(cancel->process_id, 0x80000001U);
        EXPECT_EQ(wire::as_text(cancel->key), key);
        EXPECT_EQ(result.packet_bytes, bytes.size());
        for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
            EXPECT_TRUE(std::holds_alternative<StartupIncomplete>(
                parse_startup(as_bytes(bytes).first(cut)).packet));
        }
    }
    for (const std::size_t size : {0U, 257U}) {
        std::string bytes;
        append_cancel_request(bytes, 1, as_bytes(std::string(size, 'k')));
        EXPECT_EQ(violation_of(bytes).reply, Reply::none);
    }
    EXPECT_EQ(violation_of("\0\0\0\x0b\x04\xd2\x16\x2e"s + "\0\0\1"s).reply, Reply::none);
}

TEST(Startup, protocol_2_is_refused_in_its_own_words) {
    const StartupViolation violation = violation_of("\0\0\x01\x28\0\2\0\0"s);
    EXPECT_EQ(violation.reply, Reply::legacy_error);
    std::string out;
    append_startup_violation(out, violation);
    EXPECT_EQ(out, "EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.0\n\0"sv);
}

TEST(Startup, unknown_major_version_is_refused_from_eight_bytes) {
    const StartupViolation violation = violation_of("\0\0\x01\x28\0\4\0\1"s);
    EXPECT_EQ(violation.sqlstate, "0A000");
    std::string out;
    append_startup_violation(out, violation);
    EXPECT_EQ(out,
              "E\0\0\0\x59SFATAL\0VFATAL\0C0A000\0"
              "Munsupported frontend protocol 4.1: server supports 3.0 to 3.0\0\0"sv);
}

TEST(Startup, garbage_is_closed_without_a_word) {
    std::string out;
    append_startup_violation(out, violation_of("GET / HTTP/1.1"));
    EXPECT_EQ(out, "");
}

TEST(Startup, newer_minor_version_and_options_are_negotiated_down) {
    const StartupMessage message = parse_good(startup(
        "user\0a\0_pq_.test_protocol_negotiation\0\0_pq_.y\0on\0_pq\0z\0\0"sv, (3U << 16U) | 9999));
    EXPECT_EQ(message.minor_version, 9999);
    EXPECT_TRUE(message.needs_negotiation());
    EXPECT_EQ(message.find("_pq"), "z");
    std::string out;
    append_negotiate_protocol_version(out, message.minor(), message.protocol_options);
    EXPECT_EQ(out, "v\0\0\0\x32\0\3\0\2\0\0\0\2_pq_.test_protocol_negotiation\0_pq_.y\0"sv);

    EXPECT_TRUE(parse_good(startup("user\0a\0_pq_.y\0on\0\0"sv)).needs_negotiation());
    EXPECT_TRUE(parse_good(startup("user\0a\0\0"sv, (3U << 16U) | 3)).needs_negotiation());
}

TEST(Startup, speaks_the_minor_version_that_is_asked_for_up_to_two) {
    const std::array<ProtocolMinor, 4> spoken{ProtocolMinor::zero, ProtocolMinor::zero,
                                              ProtocolMinor::two, ProtocolMinor::two};
    for (std::uint32_t asked = 0; asked < spoken.size(); ++asked) {
        const StartupMessage message = parse_good(startup("user\0a\0\0"sv, (3U << 16U) | asked));
        EXPECT_EQ(message.minor(), spoken[asked]) << asked;
        EXPECT_EQ(message.needs_negotiation(), asked > 2) << asked;
    }
    const StartupMessage options = parse_good(startup("user\0a\0_pq_.y\0on\0\0"sv));
    std::string out;
    append_negotiate_protocol_version(out, options.minor(), options.protocol_options);
    EXPECT_EQ(out, "v\0\0\0\x13\0\3\0\0\0\0\0\1_pq_.y\0"sv);
}

TEST(Startup, last_of_equal_names_wins) {
    const StartupMessage message =
        parse_good(startup("user\0a\0tz\0x\0user\0b\0database\0c\0tz\0y\0database\0d\0\0"sv));
    EXPECT_EQ(message.user, "b");
    EXPECT_EQ(message.database, "d");
    EXPECT_EQ(message.find("tz"), "y");
}

TEST(Startup, missing_user_is_28000) {
    for (const std::string_view body : {"\0"sv, "database\0x\0\0"sv, "user\0\0\0"sv}) {
        const StartupViolation violation = violation_of(startup(body));
        EXPECT_EQ(violation.sqlstate, "28000");
        EXPECT_EQ(violation.reply, Reply::error);
    }
}

TEST(Startup, database_defaults_to_the_user) {
    EXPECT_EQ(parse_good(startup("user\0ann\0\0"sv)).database, "ann");
    EXPECT_EQ(parse_good(startup("database\0\0user\0ann\0\0"sv)).database, "ann");
}

TEST(Startup, long_names_are_cut_as_postgresql_does) {
    const std::string longest(63, 'n');
    const StartupMessage message =
        parse_good(startup("user\0"s + longest + "\0database\0"s + longest + "x\0\0"s));
    EXPECT_EQ(message.user, longest);
    EXPECT_EQ(message.database, longest);
    EXPECT_EQ(parse_good(startup("user\0"s + longest + "xy\0\0"s)).database, longest);
}

TEST(Startup, what_is_written_is_read_back) {
    const std::vector<StartupParameter> parameters{{"a", "1"}, {"b", ""}};
    std::string out;
    append_startup_message(out, ProtocolMinor::zero, "ann", "shop", parameters);
    EXPECT_EQ(out, startup("user\0ann\0database\0shop\0a\0"
                           "1\0b\0\0\0"sv));
    EXPECT_EQ(parse_good(out).parameters, parameters);

    std::string ssl;
    append_ssl_request(ssl);
    EXPECT_EQ(ssl, "\0\0\0\x08\x04\xd2\x16\x2f"sv);
}

}  // namespace
}  // namespace sluice::pg
