#include "base/crypto.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace sluice {
namespace {

Secret32 SecretFromHex(std::string_view hex) {
  std::string bytes = *FromHex(hex);
  Secret32 out;
  std::copy(bytes.begin(), bytes.end(), out.mutable_bytes().begin());
  return out;
}

// RFC 8032 section 7.1, test 2.
constexpr std::string_view kSeed =
    "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
constexpr std::string_view kPublic =
    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
constexpr std::string_view kSignature =
    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00";

TEST(CryptoTest, Ed25519GivesTheRfcVectors) {
  Secret32 seed = SecretFromHex(kSeed);
  EXPECT_EQ(ToHex(Ed25519PublicKey(seed)), kPublic);
  EXPECT_EQ(ToHex(Ed25519Sign(seed, "\x72")), kSignature);
  EXPECT_TRUE(Ed25519Verify(Ed25519PublicKey(seed), "\x72", *FromHex(kSignature)));
}

TEST(CryptoTest, Ed25519SignsAnEmptyMessage) {
  Secret32 seed = SecretFromHex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
  EXPECT_EQ(ToHex(Ed25519Sign(seed, "")),
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b");
}

TEST(CryptoTest, Ed25519RefusesEveryFlippedBit) {
  PublicKey key = Ed25519PublicKey(SecretFromHex(kSeed));
  const std::string good = *FromHex(kSignature);
  for (size_t bit = 0; bit < good.size() * 8; ++bit) {
    std::string bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << (bit % 8)));
    EXPECT_FALSE(Ed25519Verify(key, "\x72", bad)) << bit;
  }
  EXPECT_FALSE(Ed25519Verify(key, "\x73", good));
  EXPECT_FALSE(Ed25519Verify(key, "", good));
}

TEST(CryptoTest, Ed25519RefusesMalformedSignaturesAndKeys) {
  PublicKey key = Ed25519PublicKey(SecretFromHex(kSeed));
  const std::string good = *FromHex(kSignature);
  EXPECT_FALSE(Ed25519Verify(key, "\x72", ""));
  EXPECT_FALSE(Ed25519Verify(key, "\x72", good.substr(0, 63)));
  EXPECT_FALSE(Ed25519Verify(key, "\x72", good + '\0'));
  PublicKey not_a_point;
  not_a_point.fill(0xff);
  EXPECT_FALSE(Ed25519Verify(not_a_point, "\x72", good));
}

TEST(CryptoTest, X25519GivesTheRfcVector) {
  // RFC 7748 section 5.2: the first step of the iterated test multiplies the base point.
  Secret32 nine;
  nine.mutable_bytes()[0] = 9;
  EXPECT_EQ(ToHex(X25519PublicKey(nine)),
            "422c8e7a6227d7bca1350b3e2bb7279f7897b87bb6854b783c60e80311ae3079");
}

TEST(CryptoTest, HkdfGivesTheRfcVectors) {
  // RFC 5869 appendix A.1, the first 32 bytes.
  EXPECT_EQ(ToHex(HkdfSha256(std::string(22, '\x0b'), *FromHex("000102030405060708090a0b0c"),
                             *FromHex("f0f1f2f3f4f5f6f7f8f9"))
                      .bytes()),
            "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf");
  // Appendix A.3: neither salt nor info.
  EXPECT_EQ(ToHex(HkdfSha256(std::string(22, '\x0b'), "", "").bytes()),
            "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
}

TEST(CryptoTest, HkdfDependsOnAllInputs) {
  std::string base = ToHex(HkdfSha256("k", "s", "i").bytes());
  EXPECT_NE(ToHex(HkdfSha256("l", "s", "i").bytes()), base);
  EXPECT_NE(ToHex(HkdfSha256("k", "t", "i").bytes()), base);
  EXPECT_NE(ToHex(HkdfSha256("k", "s", "j").bytes()), base);
}

TEST(CryptoTest, Sha256GivesTheFipsVectors) {
  EXPECT_EQ(ToHex(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(ToHex(Sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(CryptoTest, NewSecretsDiffer) {
  EXPECT_NE(ToHex(NewSecret().bytes()), ToHex(NewSecret().bytes()));
}

// RFC 4231, test case 2, with its key filled up to 32 bytes: HMAC pads keys with zeros.
TEST(CryptoTest, HmacSha256) {
  std::array<uint8_t, 32> key{'J', 'e', 'f', 'e'};
  EXPECT_EQ(ToHex(HmacSha256(Secret32(key), "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST(CryptoTest, SameBytes) {
  const std::array<uint8_t, 2> a{1, 2}, b{1, 3};
  EXPECT_TRUE(SameBytes(a, a));
  EXPECT_FALSE(SameBytes(a, b));
  EXPECT_FALSE(SameBytes(a, std::span<const uint8_t>(a).first(1)));
}

}  // namespace
}  // namespace sluice
