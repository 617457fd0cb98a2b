#include "base/secret.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace sluice {
namespace {

Secret32 Filled(uint8_t value) {
  std::array<uint8_t, 32> bytes;
  bytes.fill(value);
  return Secret32(bytes);
}

TEST(SecretTest, IsWipedWhenMovedFrom) {
  Secret32 from = Filled(7);
  Secret32 to(std::move(from));
  EXPECT_TRUE(from.IsZero());  // NOLINT(bugprone-use-after-move): the contract under test
  EXPECT_EQ(to.bytes()[31], 7);
  Secret32 other = Filled(8);
  other = std::move(to);
  EXPECT_TRUE(to.IsZero());  // NOLINT(bugprone-use-after-move)
  EXPECT_EQ(other.bytes()[0], 7);
}

TEST(SecretTest, MovingOntoItselfKeepsTheValue) {
  Secret32 secret = Filled(7);
  Secret32& alias = secret;
  secret = std::move(alias);
  EXPECT_FALSE(secret.IsZero());
}

TEST(SecretTest, IsWipedOnDestruction) {
  alignas(Secret32) unsigned char memory[sizeof(Secret32)];
  auto* secret = new (memory) Secret32(Filled(0xaa));
  secret->~Secret32();
  // Read as volatile, so that the compiler cannot know what the dead object held.
  const volatile unsigned char* bytes = memory;
  for (size_t i = 0; i < sizeof(memory); ++i) EXPECT_EQ(bytes[i], 0) << i;
}

TEST(SecretTest, IsZeroSeesEveryByte) {
  EXPECT_TRUE(Secret32().IsZero());
  for (size_t i = 0; i < 32; ++i) {
    Secret32 secret;
    secret.mutable_bytes()[i] = 1;
    EXPECT_FALSE(secret.IsZero()) << i;
  }
}

TEST(EncodingTest, Base64RoundTripsAndIsStrict) {
  const uint8_t kBytes[] = {0xfb, 0xff, 0x00, 0x10};
  EXPECT_EQ(ToBase64(kBytes), "+/8AEA==");
  EXPECT_EQ(*FromBase64("+/8AEA=="), std::string("\xfb\xff\x00\x10", 4));
  EXPECT_EQ(*FromBase64(""), "");
  for (const char* bad : {"+/8AEA", "+/8AEA=", "-_8AEA==", "+/8A EA==", "+/8AEB==", "=", "a", "\n"})
    EXPECT_FALSE(FromBase64(bad).ok()) << bad;
}

TEST(EncodingTest, HexRoundTripsAndIsStrict) {
  const uint8_t kBytes[] = {0x00, 0xab, 0xff};
  EXPECT_EQ(ToHex(kBytes), "00abff");
  EXPECT_EQ(*FromHex("00ABff"), std::string("\x00\xab\xff", 3));
  EXPECT_EQ(*FromHex(""), "");
  for (const char* bad : {"0", "0g", "0x", " 00", "00 "}) EXPECT_FALSE(FromHex(bad).ok()) << bad;
}

TEST(EncodingTest, PublicKeysHave32Bytes) {
  PublicKey key;
  key.fill(3);
  EXPECT_EQ(*PublicKeyFromBase64(ToBase64(key)), key);
  EXPECT_FALSE(PublicKeyFromBase64(ToBase64(std::span(key).first(31))).ok());
  EXPECT_FALSE(PublicKeyFromBase64("").ok());
}

TEST(RandomTest, FillsEveryByte) {
  std::array<uint8_t, 1000> seen{};
  for (int round = 0; round < 8; ++round) {
    std::array<uint8_t, 1000> bytes{};
    RandomBytes(bytes);
    for (size_t i = 0; i < bytes.size(); ++i) seen[i] |= bytes[i];
  }
  // A byte that eight random draws all leave at 0 has a chance of 2^-64.
  for (size_t i = 0; i < seen.size(); ++i) EXPECT_NE(seen[i], 0) << i;
}

}  // namespace
}  // namespace sluice
