#include "wire/probe_frame.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

probe::v1::Frame Question() {
  probe::v1::Frame frame;
  frame.mutable_question()->set_nonce(std::string(16, 'n'));
  frame.mutable_question()->set_node("a1");
  frame.mutable_question()->set_port("fab0");
  return frame;
}

TEST(ProbeFrameTest, ComesBackWithoutItsPadding) {
  const auto frame = DecodeProbe(EncodeProbe(Question()) + std::string(60, '\0'));
  ASSERT_TRUE(frame.ok()) << frame.status();
  EXPECT_EQ(frame->SerializeAsString(), Question().SerializeAsString());
}

TEST(ProbeFrameTest, RefusesWhatIsNoProbe) {
  const std::string good = EncodeProbe(Question());
  for (size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(DecodeProbe(good.substr(0, size)).ok()) << size;
  EXPECT_FALSE(DecodeProbe("\x02" + good.substr(1)).ok()) << "another version";
  EXPECT_FALSE(DecodeProbe(EncodeProbe(probe::v1::Frame())).ok()) << "of no kind";
}

TEST(ProbeFrameTest, RefusesFieldsOutOfBounds) {
  probe::v1::Frame frame = Question();
  frame.mutable_question()->set_nonce("short");
  EXPECT_FALSE(DecodeProbe(EncodeProbe(frame)).ok());
  frame = Question();
  frame.mutable_question()->set_node("A1!");
  EXPECT_FALSE(DecodeProbe(EncodeProbe(frame)).ok());
  frame = Question();
  frame.mutable_question()->set_port(std::string(64, 'p'));
  EXPECT_FALSE(DecodeProbe(EncodeProbe(frame)).ok());
  frame = {};
  frame.mutable_answer()->set_nonce(std::string(16, 'n'));
  EXPECT_FALSE(DecodeProbe(EncodeProbe(frame)).ok());
}

TEST(ProbeFrameTest, AProofIsThatOfItsWords) {
  const Ed25519Signer identity{NewSecret()};
  probe::v1::ProofWords words;
  words.set_node("a1");
  probe::v1::Proof proof;
  SignProof(identity, words, proof);
  EXPECT_TRUE(VerifyProof(identity.public_key(), proof));
  EXPECT_FALSE(VerifyProof(Ed25519PublicKey(NewSecret()), proof));
  words.set_node("a2");
  proof.set_words(words.SerializeAsString());
  EXPECT_FALSE(VerifyProof(identity.public_key(), proof));
}

}  // namespace
}  // namespace sluice
