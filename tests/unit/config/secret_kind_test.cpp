#include "config/secret_kind.hpp"

#include <gtest/gtest.h>

namespace sluice::config {
namespace {

// RFC 7677, section 3: user "user", password "pencil".
const std::string scram =
    "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:"
    "wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";

TEST(SecretKind, tells_secrets_apart_by_their_form) {
    EXPECT_EQ(kind_of(Secret()), SecretKind::none);
    EXPECT_EQ(kind_of(Secret("pencil")), SecretKind::plain);
    EXPECT_EQ(kind_of(Secret("md5" + std::string(32, 'a'))), SecretKind::md5);
    EXPECT_EQ(kind_of(Secret(scram)), SecretKind::scram);
}

TEST(SecretKind, what_only_resembles_md5_is_a_password) {
    EXPECT_EQ(kind_of(Secret("md5" + std::string(31, 'a'))), SecretKind::plain);
    EXPECT_EQ(kind_of(Secret("md5" + std::string(33, 'a'))), SecretKind::plain);
    EXPECT_EQ(kind_of(Secret("md5" + std::string(31, 'a') + "G")), SecretKind::plain);
}

TEST(SecretKind, a_scram_verifier_cut_anywhere_is_none) {
    const std::string name = "SCRAM-SHA-256$";
    for (std::size_t length = 1; length < scram.size(); ++length) {
        const Secret cut(scram.substr(0, length));
        EXPECT_EQ(kind_of(cut), SecretKind::plain) << length;
        EXPECT_EQ(looks_like_broken_scram(cut), length >= name.size()) << length;
    }
    EXPECT_FALSE(looks_like_broken_scram(Secret(scram)));
    EXPECT_TRUE(looks_like_broken_scram(Secret(scram + "=")));
}

}  // namespace
}  // namespace sluice::config
