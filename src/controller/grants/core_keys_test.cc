// The controller's part in link keys.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using agent::v1::AgentMessage;
using agent::v1::KeyEpoch;

class CoreKeysTest : public testing::Test {
 protected:
  void SetUp() override {
    fleet_.config_.key_lifetime = absl::Minutes(1);
    fleet_.config_.key_volume = Bytes{kMegabyte};
    fleet_.Restart();
    fleet_.Join("a1", "10.1.0.0/24");
    fleet_.Join("b1", "10.2.0.0/24");
    fleet_.Join("c1", "10.3.0.0/24");
    ASSERT_TRUE(fleet_.SetQuota(TestFleet::MakeQuota(kLink, 100 * kMegabyte)).ok());
    for (const char* name : {"a1", "b1", "c1"}) ASSERT_TRUE(fleet_.Hello(name).ok());
  }
  void Ask(const std::string& node, const std::string& peer) {
    AgentMessage message;
    message.mutable_key_request()->set_peer(peer);
    EXPECT_TRUE(fleet_.Deliver(node, message).ok());
  }
  std::vector<KeyEpoch> EpochsAt(const std::string& node) {
    std::vector<KeyEpoch> epochs;
    for (const auto& message : fleet_.agent(node).inbox) {
      if (message.has_key_epoch()) epochs.push_back(message.key_epoch());
    }
    return epochs;
  }
  void Switched(const std::string& node, const std::string& peer, uint64_t epoch) {
    AgentMessage message;
    message.mutable_key_state()->set_peer(peer);
    message.mutable_key_state()->set_epoch(epoch);
    message.mutable_key_state()->set_stage(agent::v1::KEY_STAGE_SWITCHED);
    EXPECT_TRUE(fleet_.Deliver(node, message).ok());
  }
  // A lease, and keys that both nodes use; the epoch's number.
  uint64_t Begin() {
    EXPECT_FALSE(fleet_.Request(kLink));
    Ask("a1", "b1");
    const uint64_t epoch = EpochsAt("a1").at(0).epoch();
    Switched("a1", "b1", epoch);
    EXPECT_FALSE(fleet_.View(kLink).key->done);
    Switched("b1", "a1", epoch);
    EXPECT_TRUE(fleet_.View(kLink).key->done);
    for (const char* name : {"a1", "b1"}) fleet_.agent(name).inbox.clear();
    return epoch;
  }
  TestFleet fleet_;
};

TEST_F(CoreKeysTest, AnEpochBeginsAtBothEndsWithOneSecretAndTheOthersIdentity) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Ask("a1", "b1");
  Ask("b1", "a1");  // asked for already
  const auto a = EpochsAt("a1");
  const auto b = EpochsAt("b1");
  ASSERT_EQ(a.size(), 1u);
  ASSERT_EQ(b.size(), 1u);
  EXPECT_EQ(a[0].peer(), "b1");
  EXPECT_EQ(b[0].peer(), "a1");
  EXPECT_EQ(a[0].epoch(), b[0].epoch());
  EXPECT_EQ(a[0].secret(), b[0].secret());
  EXPECT_EQ(a[0].secret().size(), 32u);
  EXPECT_EQ(a[0].peer_identity(), TestFleet::EnrolRequestOf(fleet_.agent("b1")).identity_key());
  EXPECT_EQ(b[0].peer_identity(), TestFleet::EnrolRequestOf(fleet_.agent("a1")).identity_key());
}

TEST_F(CoreKeysTest, WithoutALeaseThereIsNoKey) {
  Ask("a1", "b1");  // a quota, and no lease yet
  Ask("a1", "c1");
  Ask("a1", "nobody");
  EXPECT_TRUE(EpochsAt("a1").empty());
  ASSERT_FALSE(fleet_.Request(kLink));
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "drill", effects).ok());
  Ask("a1", "b1");
  EXPECT_TRUE(EpochsAt("a1").empty());
}

TEST_F(CoreKeysTest, EveryEpochHasANewSecretAndALargerNumber) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Ask("a1", "b1");
  fleet_.clock_.Advance(absl::Seconds(1));
  Ask("a1", "b1");
  auto epochs = EpochsAt("a1");
  ASSERT_EQ(epochs.size(), 2u);
  EXPECT_NE(epochs[0].secret(), epochs[1].secret());
  EXPECT_GT(epochs[1].epoch(), epochs[0].epoch());
  fleet_.Restart();
  for (const char* name : {"a1", "b1"}) ASSERT_TRUE(fleet_.Hello(name).ok());
  fleet_.clock_.Advance(absl::Milliseconds(1));
  Ask("a1", "b1");
  const auto after = EpochsAt("a1");
  ASSERT_EQ(after.size(), 1u);
  EXPECT_GT(after[0].epoch(), epochs[1].epoch());
}

TEST_F(CoreKeysTest, TheNodesWordsAreCarriedUnderTheSendersName) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Ask("a1", "b1");
  fleet_.agent("b1").inbox.clear();
  AgentMessage offer;
  offer.mutable_key_offer()->set_peer("b1");
  offer.mutable_key_offer()->set_offer("sealed");
  ASSERT_TRUE(fleet_.Deliver("a1", offer).ok());
  Switched("a1", "b1", 3);
  const auto& inbox = fleet_.agent("b1").inbox;
  ASSERT_EQ(inbox.size(), 2u);
  EXPECT_EQ(inbox[0].key_offer().peer(), "a1");
  EXPECT_EQ(inbox[0].key_offer().offer(), "sealed");
  EXPECT_EQ(inbox[1].key_state().peer(), "a1");
  // To nobody else, and not without end.
  offer.mutable_key_offer()->set_peer("c1");
  ASSERT_TRUE(fleet_.Deliver("a1", offer).ok());
  EXPECT_TRUE(fleet_.agent("c1").inbox.empty() || !fleet_.agent("c1").inbox.back().has_key_offer());
  offer.mutable_key_offer()->set_offer(std::string(100'000, 'x'));
  EXPECT_FALSE(fleet_.Deliver("a1", offer).ok());
}

TEST_F(CoreKeysTest, KeysRotateByTime) {
  const uint64_t epoch = Begin();
  ASSERT_FALSE(fleet_.Request(kLink));
  for (int i = 0; i < 58; ++i) {
    fleet_.Pass(absl::Seconds(1));
    ASSERT_FALSE(fleet_.Request(kLink));
  }
  EXPECT_TRUE(EpochsAt("a1").empty());
  fleet_.Pass(absl::Seconds(3));
  ASSERT_EQ(EpochsAt("a1").size(), 1u);
  EXPECT_GT(EpochsAt("a1")[0].epoch(), epoch);
  EXPECT_FALSE(fleet_.View(kLink).key->done);
}

TEST_F(CoreKeysTest, KeysRotateByVolume) {
  Begin();
  EXPECT_GT(fleet_.Traffic(kLink, kMegabyte / 2), 0u);
  fleet_.Pass(absl::Seconds(2));
  EXPECT_TRUE(EpochsAt("a1").empty());
  EXPECT_GT(fleet_.Traffic(kLink, kMegabyte), 0u);
  fleet_.Pass(absl::Seconds(2));
  EXPECT_EQ(EpochsAt("a1").size(), 1u);
  EXPECT_EQ(EpochsAt("b1").size(), 1u);
}

TEST_F(CoreKeysTest, AnEpochThatIsNotInUseYetIsNotFollowedByAnother) {
  ASSERT_FALSE(fleet_.Request(kLink));
  Ask("a1", "b1");
  EXPECT_GT(fleet_.Traffic(kLink, 2 * kMegabyte), 0u);
  fleet_.Pass(absl::Seconds(5));
  EXPECT_EQ(EpochsAt("a1").size(), 1u);
}

TEST_F(CoreKeysTest, ThePairIsForgottenWithItsLastLease) {
  Begin();
  Effects effects;
  ASSERT_TRUE(fleet_.core_->Revoke(Scope::Link(kLink), "drill", effects).ok());
  fleet_.Pass(absl::Seconds(2));
  EXPECT_FALSE(fleet_.View(kLink).key.has_value());
}

}  // namespace
}  // namespace sluice
