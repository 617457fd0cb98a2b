#include "wire/readmission.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Secret32 ReadmitSeed(uint8_t fill) {
  std::array<uint8_t, 32> seed{};
  seed.fill(fill);
  return Secret32(seed);
}

const Readmission kReadmission{"f1", "a1", {1, 2, 3}};

TEST(ReadmissionTest, ComesBackAsItWas) {
  const Ed25519Signer signer(ReadmitSeed(1));
  const auto read = VerifyReadmission(signer.public_key(), SignReadmission(signer, kReadmission));
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, kReadmission);
}

TEST(ReadmissionTest, AnotherKeysWordIsRefused) {
  const Ed25519Signer signer(ReadmitSeed(1));
  const auto words = SignReadmission(Ed25519Signer(ReadmitSeed(2)), kReadmission);
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyReadmission(signer.public_key(), words).status()));
}

TEST(ReadmissionTest, AlteredWordsAreRefused) {
  const Ed25519Signer signer(ReadmitSeed(1));
  auto words = SignReadmission(signer, kReadmission);
  words.mutable_readmission()->back() ^= 1;
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyReadmission(signer.public_key(), words).status()));
}

// The signature is over words of this kind only: a lease's cannot pass for it.
TEST(ReadmissionTest, ASignatureWithoutTheDomainIsRefused) {
  const Ed25519Signer signer(ReadmitSeed(1));
  auto words = SignReadmission(signer, kReadmission);
  const Signature bare = signer.Sign(words.readmission());
  words.set_signature(std::string(bare.begin(), bare.end()));
  EXPECT_TRUE(absl::IsPermissionDenied(VerifyReadmission(signer.public_key(), words).status()));
}

}  // namespace
}  // namespace sluice
