#include "agent/keys/key_agreement.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

using agent::v1::AgentMessage;
using testing::ElementsAre;

Secret32 Filled(uint8_t byte) {
  std::array<uint8_t, 32> bytes{};
  bytes.fill(byte);
  return Secret32(bytes);
}

// A node: it installs at once what it should.
struct Node {
  Node(const std::string& name, std::string other, uint8_t seed)
      : peer(std::move(other)), keys("lab", name, Filled(seed), RandomBytes) {
    keys.SetTunnelKey({seed});
  }
  void Install() {
    if (!keys.wanted().contains(peer)) return;
    const PeerKeys& wanted = keys.wanted().at(peer);
    // Without loss: what is sent under was accepted before, by the other end's word.
    history.push_back(wanted.send_epoch);
    keys.Installed(peer, out);
  }
  std::vector<uint64_t> Epochs() const {
    std::vector<uint64_t> numbers;
    const auto found = keys.wanted().find(peer);
    if (found == keys.wanted().end()) return numbers;
    for (const TunnelEpoch& epoch : found->second.epochs) numbers.push_back(epoch.number);
    return numbers;
  }
  uint64_t Sends() const { return keys.wanted().at(peer).send_epoch; }
  const TunnelEpoch& Last() const { return keys.wanted().at(peer).epochs.back(); }

  std::string peer;
  KeyAgreement keys;
  KeyAgreement::Outbox out;
  std::vector<uint64_t> history;
};

class KeyAgreementTest : public testing::Test {
 protected:
  void SetUp() override {
    a_.keys.Need({"b1"}, now_);
    b_.keys.Need({"a1"}, now_);
  }
  static PublicKey IdentityOf(uint8_t seed) { return Ed25519PublicKey(Filled(seed)); }

  void Begin(uint64_t epoch) { Begin(epoch, NewSecret(), NewSecret(), true); }
  void Begin(uint64_t epoch, const Secret32& to_a, const Secret32& to_b, bool same) {
    agent::v1::KeyEpoch words;
    words.set_epoch(epoch);
    words.set_secret(ToWireBytes(to_a.bytes()));
    words.set_peer("b1");
    words.set_peer_identity(ToWireBytes(IdentityOf(2)));
    EXPECT_TRUE(a_.keys.OnEpoch(words, now_, a_.out).ok());
    if (!same) words.set_secret(ToWireBytes(to_b.bytes()));
    words.set_peer("a1");
    words.set_peer_identity(ToWireBytes(IdentityOf(1)));
    EXPECT_TRUE(b_.keys.OnEpoch(words, now_, b_.out).ok());
  }
  // The controller's part: one message of `from` reaches `to`.
  absl::Status Carry(Node& from, Node& to) {
    AgentMessage message = std::move(from.out.front());
    from.out.erase(from.out.begin());
    absl::Status status;
    if (message.has_key_offer()) {
      message.mutable_key_offer()->set_peer(to.peer);
      status = to.keys.OnOffer(message.key_offer());
    } else if (message.has_key_state()) {
      message.mutable_key_state()->set_peer(to.peer);
      status = to.keys.OnState(message.key_state(), now_);
    }
    to.Install();
    return status;
  }
  void CarryOne() {
    if (!a_.out.empty()) {
      EXPECT_TRUE(Carry(a_, b_).ok());
    }
    if (!b_.out.empty()) {
      EXPECT_TRUE(Carry(b_, a_).ok());
    }
  }
  void CarryAll() {
    while (!a_.out.empty() || !b_.out.empty()) {
      CarryOne();
    }
  }
  void Pass(absl::Duration d) {
    now_ = now_ + d;
    for (Node* node : {&a_, &b_}) {
      if (node->keys.Tick(now_, node->out)) node->Install();
    }
  }
  static int Asked(const Node& node) {
    return static_cast<int>(
        std::ranges::count_if(node.out, [](const AgentMessage& m) { return m.has_key_request(); }));
  }

  BootTime now_{absl::ToInt64Nanoseconds(absl::Hours(1))};
  Node a_{"a1", "b1", 1};
  Node b_{"b1", "a1", 2};
};

TEST_F(KeyAgreementTest, BothEndsComeToTheSameKeysAndThenSend) {
  Begin(1);
  CarryAll();
  EXPECT_THAT(a_.Epochs(), ElementsAre(1));
  EXPECT_THAT(b_.Epochs(), ElementsAre(1));
  EXPECT_EQ(a_.Sends(), 1u);
  EXPECT_EQ(b_.Sends(), 1u);
  EXPECT_TRUE(SameBytes(a_.Last().preshared.bytes(), b_.Last().preshared.bytes()));
  EXPECT_TRUE(SameBytes(a_.Last().send_key.bytes(), b_.Last().receive_key.bytes()));
  EXPECT_EQ(a_.Last().send_spi, b_.Last().receive_spi);
  EXPECT_EQ(b_.keys.wanted().at("a1").tunnel_key, PublicKey{1});
  Pass(absl::Seconds(5));
  EXPECT_EQ(Asked(a_) + Asked(b_), 0) << "nothing is left to ask for";
}

TEST_F(KeyAgreementTest, NobodySendsUnderWhatTheOtherHasNotInstalled) {
  Begin(1);
  ASSERT_TRUE(Carry(a_, b_).ok());  // the offer: b can derive and install
  EXPECT_THAT(b_.Epochs(), ElementsAre(1));
  EXPECT_EQ(b_.Sends(), 0u) << "a has nothing yet";
  ASSERT_TRUE(Carry(b_, a_).ok());  // b's offer
  EXPECT_EQ(a_.Sends(), 0u) << "a does not know that b has installed";
  ASSERT_TRUE(Carry(b_, a_).ok());  // b's word that it has
  EXPECT_EQ(a_.Sends(), 1u);
  EXPECT_EQ(b_.Sends(), 0u);
  CarryAll();
  EXPECT_EQ(b_.Sends(), 1u);
}

TEST_F(KeyAgreementTest, ARotationKeepsTheOldEpochUntilBothSendUnderTheNew) {
  Begin(1);
  CarryAll();
  Begin(2);
  while (!a_.out.empty() || !b_.out.empty()) {
    // Whatever an end sends under, the other accepts.
    EXPECT_THAT(b_.Epochs(), testing::Contains(a_.Sends()));
    EXPECT_THAT(a_.Epochs(), testing::Contains(b_.Sends()));
    CarryOne();
  }
  EXPECT_EQ(a_.Sends(), 2u);
  EXPECT_EQ(b_.Sends(), 2u);
  EXPECT_THAT(a_.Epochs(), ElementsAre(1, 2)) << "packets may still be on their way";
  ASSERT_TRUE(a_.keys.NextAt().has_value());
  now_ = *a_.keys.NextAt();
  Pass(absl::Milliseconds(1));
  EXPECT_THAT(a_.Epochs(), ElementsAre(2));
  EXPECT_THAT(b_.Epochs(), ElementsAre(2));
}

TEST_F(KeyAgreementTest, WhatIsLostIsAskedForAndTheOldEpochCarriesOnMeanwhile) {
  Begin(1);
  CarryAll();
  for (int lost = 0; lost < 6; ++lost) {
    Begin(static_cast<uint64_t>(10 + lost));
    for (int i = 0; i < lost && !a_.out.empty(); ++i) (void)Carry(a_, b_);
    a_.out.clear();
    while (!b_.out.empty()) (void)Carry(b_, a_);
    a_.out.clear();
    EXPECT_THAT(b_.Epochs(), testing::Contains(a_.Sends())) << lost;
    EXPECT_THAT(a_.Epochs(), testing::Contains(b_.Sends())) << lost;
  }
  Pass(absl::Seconds(1.5));
  EXPECT_EQ(Asked(a_) + Asked(b_), 2);
  a_.out.clear();
  b_.out.clear();
  Begin(99);
  CarryAll();
  Pass(absl::Seconds(2));
  EXPECT_THAT(a_.Epochs(), ElementsAre(99));
  EXPECT_THAT(b_.Epochs(), ElementsAre(99));
}

TEST_F(KeyAgreementTest, WithoutKeysTheyAreAskedForAtOnceAndThenNowAndThen) {
  Pass(absl::ZeroDuration());
  EXPECT_EQ(Asked(a_), 1);
  Pass(absl::Milliseconds(999));
  EXPECT_EQ(Asked(a_), 1);
  Pass(absl::Milliseconds(1));
  EXPECT_EQ(Asked(a_), 2);
  a_.keys.Reconnected();
  Pass(absl::ZeroDuration());
  EXPECT_EQ(Asked(a_), 3) << "in a new session at once";
}

TEST_F(KeyAgreementTest, WithoutTheControllersSecretThereIsNothing) {
  Begin(1, Filled(5), Filled(6), false);
  ASSERT_TRUE(Carry(a_, b_).ok());
  ASSERT_TRUE(Carry(b_, a_).ok());
  EXPECT_EQ(Carry(b_, a_).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(Carry(a_, b_).code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(a_.Sends(), 0u);
  EXPECT_EQ(b_.Sends(), 0u);
}

TEST_F(KeyAgreementTest, WhatIsNotThePeersWordChangesNothing) {
  Begin(1);
  agent::v1::KeyOffer offer = b_.out.front().key_offer();
  offer.set_peer("b1");
  agent::v1::KeyOffer forged = offer;
  (*forged.mutable_signature())[3] ^= 1;
  EXPECT_FALSE(a_.keys.OnOffer(forged).ok());
  agent::v1::KeyOffer reflected = a_.out.front().key_offer();
  EXPECT_FALSE(a_.keys.OnOffer(reflected).ok());
  agent::v1::KeyOffer stranger = offer;
  stranger.set_peer("c1");
  EXPECT_FALSE(a_.keys.OnOffer(stranger).ok());
  EXPECT_TRUE(a_.Epochs().empty());
  ASSERT_TRUE(a_.keys.OnOffer(offer).ok());
  EXPECT_FALSE(a_.keys.OnOffer(offer).ok()) << "a second time";
  agent::v1::KeyState state;
  state.set_peer("b1");
  state.set_epoch(1);
  state.set_stage(agent::v1::KEY_STAGE_INSTALLED);
  state.set_code(std::string(32, 'x'));
  EXPECT_FALSE(a_.keys.OnState(state, now_).ok());
  agent::v1::KeyEpoch old;
  old.set_peer("b1");
  old.set_epoch(1);
  old.set_secret(std::string(32, 's'));
  old.set_peer_identity(ToWireBytes(IdentityOf(2)));
  EXPECT_FALSE(a_.keys.OnEpoch(old, now_, a_.out).ok()) << "an epoch that was there before";
}

TEST_F(KeyAgreementTest, KeysThatNobodyNeedsAreForgotten) {
  Begin(1);
  CarryAll();
  a_.keys.Need({}, now_);
  EXPECT_TRUE(a_.Epochs().empty());
  a_.keys.Need({"b1"}, now_);
  Pass(absl::ZeroDuration());
  EXPECT_EQ(Asked(a_), 1);
}

TEST_F(KeyAgreementTest, AnotherTunnelMakesTheKeysWorthless) {
  Begin(1);
  CarryAll();
  b_.keys.SetTunnelKey({22});
  EXPECT_TRUE(b_.Epochs().empty());
  b_.keys.Need({"a1"}, now_);
  Begin(2);
  CarryAll();
  EXPECT_THAT(a_.Epochs(), ElementsAre(2)) << "the first was made with a tunnel that is gone";
  EXPECT_EQ(a_.keys.wanted().at("b1").tunnel_key, PublicKey{22});
  EXPECT_EQ(a_.Sends(), 2u);
}

}  // namespace
}  // namespace sluice
