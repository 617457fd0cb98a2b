#include "wire/link_keys.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Secret32 Filled(uint8_t byte) {
  std::array<uint8_t, 32> bytes{};
  bytes.fill(byte);
  return Secret32(bytes);
}

bool Same(const Secret32& a, const Secret32& b) { return SameBytes(a.bytes(), b.bytes()); }

// One node's part in an exchange.
struct End {
  End(const std::string& from, const std::string& to, uint8_t seed)
      : identity(Filled(seed)), ephemeral(Filled(static_cast<uint8_t>(seed + 1))) {
    offer = {"lab", from, to, 7, X25519PublicKey(ephemeral), PublicKey{seed, 9}, 0x1000u + seed};
  }
  absl::StatusOr<LinkKeys> With(const End& other, const Secret32& secret) const {
    return MakeLinkKeys({ephemeral, secret, offer, other.offer, identity.public_key(),
                         other.identity.public_key()});
  }
  Ed25519Signer identity;
  Secret32 ephemeral;
  KeyOffer offer;
};

class LinkKeysTest : public testing::Test {
 protected:
  End a_{"a1", "b1", 10};
  End b_{"b1", "a1", 20};
  Secret32 secret_ = Filled(77);
};

TEST_F(LinkKeysTest, AnOfferComesThroughAsItWas) {
  const agent::v1::KeyOffer words = SignKeyOffer(a_.identity, a_.offer);
  EXPECT_EQ(words.peer(), "b1");
  const auto read = VerifyKeyOffer(a_.identity.public_key(), words);
  ASSERT_TRUE(read.ok()) << read.status();
  EXPECT_EQ(*read, a_.offer);
}

TEST_F(LinkKeysTest, AnOfferThatWasChangedOrIsAnothersIsRefused) {
  const agent::v1::KeyOffer words = SignKeyOffer(a_.identity, a_.offer);
  EXPECT_EQ(VerifyKeyOffer(b_.identity.public_key(), words).status().code(),
            absl::StatusCode::kPermissionDenied);
  for (size_t i = 0; i < words.offer().size(); ++i) {
    agent::v1::KeyOffer changed = words;
    (*changed.mutable_offer())[i] ^= 1;
    EXPECT_FALSE(VerifyKeyOffer(a_.identity.public_key(), changed).ok()) << i;
  }
  // Signed, but not as an offer.
  agent::v1::KeyOffer bare = words;
  const Signature signature = a_.identity.Sign(words.offer());
  bare.set_signature(std::string(signature.begin(), signature.end()));
  EXPECT_FALSE(VerifyKeyOffer(a_.identity.public_key(), bare).ok());
}

TEST_F(LinkKeysTest, BothEndsMakeTheSameKeysEachFromItsSide) {
  const auto a = a_.With(b_, secret_);
  const auto b = b_.With(a_, secret_);
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_TRUE(Same(a->epoch.preshared, b->epoch.preshared));
  EXPECT_TRUE(Same(a->epoch.send_key, b->epoch.receive_key));
  EXPECT_TRUE(Same(a->epoch.receive_key, b->epoch.send_key));
  EXPECT_TRUE(Same(a->confirm, b->confirm));
  EXPECT_EQ(a->epoch.send_salt, b->epoch.receive_salt);
  EXPECT_EQ(a->epoch.receive_salt, b->epoch.send_salt);
  EXPECT_EQ(a->epoch.send_spi, b_.offer.spi);
  EXPECT_EQ(a->epoch.receive_spi, a_.offer.spi);
  EXPECT_EQ(a->epoch.number, 7u);
  EXPECT_FALSE(Same(a->epoch.send_key, a->epoch.receive_key));
  EXPECT_FALSE(Same(a->epoch.send_key, a->epoch.preshared));
}

TEST_F(LinkKeysTest, EveryInputMakesOtherKeys) {
  const auto keys = a_.With(b_, secret_);
  ASSERT_TRUE(keys.ok());
  const auto differs = [&](const absl::StatusOr<LinkKeys>& other) {
    return other.ok() && !Same(keys->epoch.preshared, other->epoch.preshared) &&
           !Same(keys->epoch.send_key, other->epoch.send_key) &&
           !Same(keys->confirm, other->confirm);
  };
  EXPECT_TRUE(differs(a_.With(b_, Filled(78)))) << "the controller's secret";
  EXPECT_TRUE(differs(a_.With(End("b1", "a1", 21), secret_))) << "the peer's keys";
  End other("b1", "a1", 20);
  other.offer.tunnel_key = {1};
  EXPECT_TRUE(differs(a_.With(other, secret_))) << "what else the peer said";
  const Ed25519Signer stranger(Filled(99));
  EXPECT_TRUE(differs(MakeLinkKeys({a_.ephemeral, secret_, a_.offer, b_.offer,
                                    a_.identity.public_key(), stranger.public_key()})))
      << "who the peer is";
}

TEST_F(LinkKeysTest, AnEphemeralKeyOfSmallOrderIsRefused) {
  for (const uint8_t point : {uint8_t{0}, uint8_t{1}}) {
    End bad("b1", "a1", 20);
    bad.offer.ephemeral = {point};
    EXPECT_EQ(a_.With(bad, secret_).status().code(), absl::StatusCode::kInvalidArgument);
  }
}

TEST_F(LinkKeysTest, AStateIsOneNodesWordForOneStageOfOneEpoch) {
  const auto code = KeyStateCode(secret_, "a1", 7, agent::v1::KEY_STAGE_INSTALLED);
  EXPECT_NE(code, KeyStateCode(secret_, "b1", 7, agent::v1::KEY_STAGE_INSTALLED));
  EXPECT_NE(code, KeyStateCode(secret_, "a1", 8, agent::v1::KEY_STAGE_INSTALLED));
  EXPECT_NE(code, KeyStateCode(secret_, "a1", 7, agent::v1::KEY_STAGE_SWITCHED));
  EXPECT_NE(code, KeyStateCode(Filled(1), "a1", 7, agent::v1::KEY_STAGE_INSTALLED));
}

}  // namespace
}  // namespace sluice
