#include "protocol/pg/password.hpp"

#include <gtest/gtest.h>

namespace sluice::pg {
namespace {

using namespace std::string_view_literals;
using wire::as_bytes;

// RFC 7677, section 3: user "user", password "pencil".
constexpr std::string_view verifier_text =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$"
    "WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
// As PostgreSQL 15 stores it for CREATE ROLE t_md5 PASSWORD 'pw1'.
constexpr std::string_view md5_text = "md5ae1ee7656eadcd9d5dde0fa47b7fe909";

constexpr Md5Salt salt{std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4}};

TEST(StoredSecret, reads_and_writes_scram_verifiers) {
    const StoredSecret secret = parse_stored_secret(verifier_text);
    const auto* const verifier = std::get_if<ScramVerifier>(&secret);
    ASSERT_NE(verifier, nullptr);
    EXPECT_EQ(verifier->iterations, 4096U);
    EXPECT_EQ(verifier->salt.size(), 16U);
    EXPECT_EQ(format_scram_verifier(*verifier), verifier_text);
    EXPECT_EQ(derive_scram_verifier("pencil", as_bytes(verifier->salt), 4096), *verifier);
}

TEST(StoredSecret, reads_md5_secrets) {
    const StoredSecret secret = parse_stored_secret(md5_text);
    const auto* const md5 = std::get_if<Md5Secret>(&secret);
    ASSERT_NE(md5, nullptr);
    EXPECT_EQ(md5->hex, derive_md5_secret("pw1", "t_md5").hex);
}

TEST(StoredSecret, anything_else_is_a_plain_password) {
    std::vector<std::string> texts{
        "",
        "pencil",
        "md5",
        "SCRAM-SHA-256",
        "SCRAM-SHA-256$",
        "md5ae1ee7656eadcd9d5dde0fa47b7fe90",    // Too short,
        "md5ae1ee7656eadcd9d5dde0fa47b7fe9090",  // too long,
        "md5AE1EE7656EADCD9D5DDE0FA47B7FE909",   // upper case,
        "md5ae1ee7656eadcd9d5dde0fa47b7fe90g",   // not hexadecimal.
        "scram-sha-256" + std::string(verifier_text.substr(13)),
        "SCRAM-SHA-1" + std::string(verifier_text.substr(13)),
        std::string(verifier_text) + "=",
        std::string(verifier_text) + ":x",
    };
    for (std::size_t size = 0; size < verifier_text.size(); ++size) {
        texts.emplace_back(verifier_text.substr(0, size));
    }
    for (const std::string_view count :
         {"0", "-1", "+1", "", "4096x", "2147483648", "4294967297"}) {
        texts.push_back("SCRAM-SHA-256$" + std::string(count) +
                        std::string(verifier_text.substr(verifier_text.find(':'))));
    }
    for (const std::string& text : texts) {
        const StoredSecret secret = parse_stored_secret(text);
        const auto* const plain = std::get_if<PlainPassword>(&secret);
        ASSERT_NE(plain, nullptr) << text;
        EXPECT_EQ(plain->text, text);
    }
    const std::string most =
        "SCRAM-SHA-256$2147483647" + std::string(verifier_text.substr(verifier_text.find(':')));
    EXPECT_TRUE(std::holds_alternative<ScramVerifier>(parse_stored_secret(most)));
}

TEST(Md5, response_is_postgresqls) {
    const Md5Secret secret = derive_md5_secret("pw1", "t_md5");
    const Md5Response response = md5_response(secret, salt);
    const std::string_view text(response.data(), response.size());
    EXPECT_EQ(text, "md54779e33300b244f01f23639d4d3343d9");
    EXPECT_TRUE(md5_response_matches(secret, salt, text));
    EXPECT_FALSE(md5_response_matches(secret, salt, text.substr(0, 34)));
    EXPECT_FALSE(md5_response_matches(secret, salt, ""));
    EXPECT_FALSE(md5_response_matches(secret, Md5Salt{}, text));
    EXPECT_FALSE(md5_response_matches(derive_md5_secret("pw1", "other"), salt, text));
}

TEST(PlainPassword, is_checked_against_every_kind_of_secret) {
    EXPECT_TRUE(plain_password_matches(PlainPassword{"pw"}, "u", "pw"));
    EXPECT_FALSE(plain_password_matches(PlainPassword{"pw"}, "u", "pw "));
    EXPECT_TRUE(plain_password_matches(parse_stored_secret(md5_text), "t_md5", "pw1"));
    EXPECT_FALSE(plain_password_matches(parse_stored_secret(md5_text), "t_md5", "pw2"));
    EXPECT_FALSE(plain_password_matches(parse_stored_secret(md5_text), "other", "pw1"));
    EXPECT_FALSE(plain_password_matches(parse_stored_secret(md5_text), "t_md5", md5_text));
    EXPECT_TRUE(plain_password_matches(parse_stored_secret(verifier_text), "user", "pencil"));
    EXPECT_FALSE(plain_password_matches(parse_stored_secret(verifier_text), "user", "pencils"));
    EXPECT_FALSE(plain_password_matches(parse_stored_secret(verifier_text), "user", verifier_text));
}

TEST(MockVerifier, stays_the_same_for_a_name_and_looks_like_any_other) {
    const ScramVerifier ann = mock_scram_verifier(as_bytes("secret"), "ann", 4096);
    EXPECT_EQ(ann, mock_scram_verifier(as_bytes("secret"), "ann", 4096));
    EXPECT_EQ(ann.salt.size(), scram_salt_bytes);
    EXPECT_EQ(ann.iterations, 4096U);
    EXPECT_NE(ann.salt, mock_scram_verifier(as_bytes("secret"), "bob", 4096).salt);
    EXPECT_NE(ann.salt, mock_scram_verifier(as_bytes("other"), "ann", 4096).salt);
    EXPECT_NE(ann.stored_key, ann.server_key);
}

TEST(PasswordMessage, is_one_text_and_nothing_else) {
    std::string_view password;
    EXPECT_TRUE(parse_password_message(as_bytes("pw\0"sv), password));
    EXPECT_EQ(password, "pw");
    EXPECT_TRUE(parse_password_message(as_bytes("\0"sv), password));
    EXPECT_EQ(password, "");
    EXPECT_FALSE(parse_password_message(as_bytes("pw"sv), password));
    EXPECT_FALSE(parse_password_message(as_bytes("pw\0x"sv), password));
    EXPECT_FALSE(parse_password_message({}, password));
}

}  // namespace
}  // namespace sluice::pg
