#include "protocol/crypto.hpp"

#include <gtest/gtest.h>

#include <string>

namespace sluice::crypto {
namespace {

using wire::as_bytes;
using wire::as_text;

std::string hex(Bytes bytes) {
    std::string text;
    for (const std::byte byte : bytes) {
        constexpr std::string_view digits = "0123456789abcdef";
        text.push_back(digits[std::to_integer<std::size_t>(byte >> 4)]);
        text.push_back(digits[std::to_integer<std::size_t>(byte & std::byte{15})]);
    }
    return text;
}

std::string md5(std::initializer_list<Bytes> parts) {
    const Md5Hex digits = md5_hex(parts);
    return {digits.begin(), digits.end()};
}

TEST(Crypto, md5_of_rfc_1321) {
    EXPECT_EQ(md5({}), "d41d8cd98f00b204e9800998ecf8427e");
    EXPECT_EQ(md5({as_bytes("message"), as_bytes(" digest")}), "f96b697d7cb7938d525a2f31aaf161d0");
}

TEST(Crypto, sha256_of_fips_180) {
    EXPECT_EQ(hex(sha256(as_bytes("abc"))),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Crypto, hmac_of_rfc_4231) {
    EXPECT_EQ(hex(hmac_sha256(as_bytes("Jefe"),
                              {as_bytes("what do ya want "), as_bytes("for nothing?")})),
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const std::string long_key(131, '\xaa');
    EXPECT_EQ(
        hex(hmac_sha256(as_bytes(long_key),
                        {as_bytes("Test Using Larger Than Block-Size Key - Hash Key First")})),
        "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// RFC 7914, "Test Vectors for PBKDF2 with HMAC-SHA-256", first half of each output.
TEST(Crypto, pbkdf2_of_rfc_7914) {
    EXPECT_EQ(hex(pbkdf2_sha256(as_bytes("passwd"), as_bytes("salt"), 1)),
              "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc");
    EXPECT_EQ(hex(pbkdf2_sha256(as_bytes("Password"), as_bytes("NaCl"), 80000)),
              "4ddcd8f60b98be21830cee5ef22701f9641a4418d04c0414aeff08876b34ab56");
}

TEST(Crypto, pbkdf2_in_slices_is_the_same) {
    const Sha256Digest whole = pbkdf2_sha256(as_bytes("pencil"), as_bytes("salt"), 1000);
    for (const std::uint32_t slice : {1U, 7U, 998U, 999U, 1000U, 5000U}) {
        Pbkdf2Sha256 derivation(as_bytes("pencil"), as_bytes("salt"), 1000);
        while (!derivation.advance(slice)) {
        }
        EXPECT_EQ(derivation.digest(), whole) << slice;
    }
}

TEST(Crypto, pbkdf2_of_no_iterations_counts_as_one) {
    EXPECT_EQ(pbkdf2_sha256(as_bytes("a"), as_bytes("b"), 0),
              pbkdf2_sha256(as_bytes("a"), as_bytes("b"), 1));
}

TEST(Crypto, base64_of_rfc_4648) {
    const std::pair<std::string_view, std::string_view> rows[] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xfb\xff", "+/8="},
    };
    for (const auto& [plain, encoded] : rows) {
        EXPECT_EQ(to_base64(as_bytes(plain)), encoded);
        EXPECT_EQ(from_base64(encoded), std::string(plain));
    }
}

TEST(Crypto, base64_is_strict) {
    for (const std::string_view text :
         {"Zg", "Zg=", "Zg===", "=", "====", "Z===", "Zm8", "Zm 8", "Zm8=\n", "Zm8=Zm8=", "Zm-_",
          "Zh==", "Zm9=", "=Zm8", "Z=8=", "Zm8=A", "\xff\xff\xff\xff"}) {
        EXPECT_FALSE(from_base64(text)) << text;
    }
    EXPECT_FALSE(from_base64(std::string_view("Zm9\0", 4)));
}

TEST(Crypto, base64_into_a_place_takes_the_exact_size_alone) {
    std::array<std::byte, 3> place{};
    EXPECT_TRUE(from_base64("Zm9v", place));
    EXPECT_EQ(as_text(place), "foo");
    EXPECT_FALSE(from_base64("Zm8=", place));
    EXPECT_FALSE(from_base64("Zm9vYg==", place));
    EXPECT_FALSE(from_base64("", place));
}

TEST(Crypto, constant_time_equal_is_equality) {
    EXPECT_TRUE(constant_time_equal({}, {}));
    EXPECT_TRUE(constant_time_equal(as_bytes("abc"), as_bytes("abc")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("abd")));
    EXPECT_FALSE(constant_time_equal(as_bytes("abc"), as_bytes("ab")));
}

TEST(Crypto, random_bytes_fill_everything) {
    std::array<std::byte, 32> first{};
    std::array<std::byte, 32> second{};
    EXPECT_TRUE(random_bytes(first));
    EXPECT_TRUE(random_bytes(second));
    EXPECT_NE(first, second);
    EXPECT_TRUE(random_bytes({}));
}

}  // namespace
}  // namespace sluice::crypto
