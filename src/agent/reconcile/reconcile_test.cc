#include "agent/reconcile/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr BootTime kNow{100'000'000'000};
const LinkSide kSendB1{{"a1", "b1"}, Role::kSend};
const LinkSide kReceiveB1{{"b1", "a1"}, Role::kReceive};
const LinkSide kSendB2{{"a1", "b2"}, Role::kSend};

PublicKey Key(uint8_t n) { return PublicKey{n}; }
IpPrefix Prefix(const char* text) { return ParseIpPrefix(text).value(); }
Endpoint At(const char* text) { return ParseEndpoint(text).value(); }

LeaseTerms Terms(uint64_t sequence, absl::Duration left = absl::Seconds(10)) {
  return {sequence, BitRate{1'000'000}, Bytes{3000}, Bytes{1 << 20}, kNow + left};
}

LinkReport Report(const LinkSide& side, uint64_t sequence,
                  absl::Duration left = absl::Seconds(10)) {
  LinkReport report;
  report.side = side;
  report.lease_sequence = sequence;
  report.expires_in = left;
  return report;
}

class ReconcileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NodeConfig& config = desired_.config;
    config.own_prefixes = {Prefix("10.1.0.0/24")};
    config.peers = {{"b1", {Prefix("10.3.0.0/24")}, Key(1), {At("192.0.2.3:51820")}},
                    {"b2", {Prefix("10.4.0.0/24")}, Key(2), {At("192.0.2.4:51820")}}};
    config.links = {{kSendB1, 1}, {kReceiveB1, 1}, {kSendB2, 1}};
    desired_.fabric_networks = {Prefix("192.0.2.0/24")};
    keys_["b1"] = {Key(1), Epochs({5}), 5};
    keys_["b2"] = {Key(2), Epochs({6}), 6};
    desired_.keys = &keys_;
  }
  static std::vector<TunnelEpoch> Epochs(const std::vector<uint64_t>& numbers) {
    std::vector<TunnelEpoch> epochs;
    for (const uint64_t number : numbers) epochs.emplace_back().number = number;
    return epochs;
  }
  static PeerTerms PeerB1() {
    return {"b1", Key(1), At("192.0.2.3:51820"), {Prefix("10.3.0.0/24")}, Epochs({5}), 5};
  }

  // Does what the plan says, as a perfect world would.
  void Obey(const ActionPlan& plan) {
    for (const Action& action : plan.actions) {
      if (auto* a = std::get_if<SetOwnPrefixes>(&action)) actual_.own_prefixes = a->prefixes;
      if (auto* a = std::get_if<SetGateRoutes>(&action)) actual_.gate_routes = a->routes;
      if (auto* a = std::get_if<SetTunnelRoutes>(&action)) actual_.tunnel_routes = a->prefixes;
      if (auto* a = std::get_if<CloseSide>(&action)) actual_.gate[a->side].closed = true;
      if (auto* a = std::get_if<ApplyLease>(&action)) {
        actual_.gate[a->side] = Report(a->side, a->terms.sequence, a->terms.expires_at - kNow);
      }
      if (auto* a = std::get_if<RemovePeer>(&action)) RemoveActual(a->key);
      if (auto* a = std::get_if<SetPeer>(&action)) {
        RemoveActual(a->terms.key);
        actual_.peers.push_back({a->terms.key, a->terms.endpoint, a->terms.allowed, false,
                                 NumbersOf(a->terms.epochs), a->terms.send_epoch});
      }
    }
  }
  void RemoveActual(const PublicKey& key) {
    std::erase_if(actual_.peers, [&](const ActualPeer& p) { return p.key == key; });
  }

  ActionPlan Settle() {
    Obey(Reconcile(desired_, actual_, kNow));
    return Reconcile(desired_, actual_, kNow);
  }

  PeerKeyMap keys_;
  Desired desired_;
  Actual actual_;
};

TEST_F(ReconcileTest, WithoutLeasesItSetsRoutesAndOpensNothing) {
  const ActionPlan plan = Reconcile(desired_, actual_, kNow);
  EXPECT_THAT(plan.actions,
              ElementsAre(Action(SetOwnPrefixes{{Prefix("10.1.0.0/24")}}),
                          Action(SetGateRoutes{{{Prefix("10.3.0.0/24"), kSendB1},
                                                {Prefix("10.3.0.0/24"), kReceiveB1},
                                                {Prefix("10.4.0.0/24"), kSendB2}}}),
                          Action(SetTunnelRoutes{{Prefix("10.3.0.0/24"), Prefix("10.4.0.0/24")}})));
}

TEST_F(ReconcileTest, IsDoneWhenAllIsAsItShouldBe) {
  desired_.leases[kSendB1] = Terms(1);
  EXPECT_THAT(Settle().actions, IsEmpty());
}

TEST_F(ReconcileTest, SetsThePeerAndThenOpensTheGate) {
  Settle();
  desired_.leases[kSendB1] = Terms(1);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(SetPeer{PeerB1()}), Action(ApplyLease{kSendB1, Terms(1)})));
}

TEST_F(ReconcileTest, OnePeerServesBothDirections) {
  desired_.leases[kSendB1] = Terms(1);
  desired_.leases[kReceiveB1] = Terms(1);
  Settle();
  EXPECT_EQ(actual_.peers.size(), 1u);
  desired_.leases.erase(kSendB1);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions, ElementsAre(Action(CloseSide{kSendB1})));
  Settle();
  desired_.leases.erase(kReceiveB1);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(CloseSide{kReceiveB1}), Action(RemovePeer{Key(1)})));
}

TEST_F(ReconcileTest, RenewalTouchesNothingButTheGate) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  desired_.leases[kSendB1] = Terms(2);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(ApplyLease{kSendB1, Terms(2)})));
}

TEST_F(ReconcileTest, AnExpiredLeaseIsClosedAndItsPeerRemoved) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  const BootTime end = desired_.leases[kSendB1].expires_at;
  EXPECT_THAT(Reconcile(desired_, actual_, end).actions,
              ElementsAre(Action(CloseSide{kSendB1}), Action(RemovePeer{Key(1)})));
  EXPECT_THAT(Reconcile(desired_, actual_, end + absl::Nanoseconds(-1)).actions, IsEmpty());
}

TEST_F(ReconcileTest, WhatTheGateClosedStaysClosed) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  actual_.gate[kSendB1].closed = true;
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions, ElementsAre(Action(RemovePeer{Key(1)})));
  desired_.leases[kSendB1] = Terms(2);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(ApplyLease{kSendB1, Terms(2)})));
}

TEST_F(ReconcileTest, ClosesAnOpenSideThatNoLeaseExplains) {
  Settle();
  actual_.gate[kSendB2] = Report(kSendB2, 9);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions, ElementsAre(Action(CloseSide{kSendB2})));
}

TEST_F(ReconcileTest, ALinkThatLeavesTheConfigIsClosedBeforeItsRouteGoes) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  std::erase_if(desired_.config.links, [](const LinkConfig& l) { return l.side == kSendB1; });
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(CloseSide{kSendB1}), Action(RemovePeer{Key(1)}),
                          Action(SetGateRoutes{{{Prefix("10.3.0.0/24"), kReceiveB1},
                                                {Prefix("10.4.0.0/24"), kSendB2}}})));
}

TEST_F(ReconcileTest, APeerWithoutKeyIsAnObstacleWithWords) {
  desired_.config.peers[0].key.reset();
  desired_.leases[kSendB1] = Terms(1);
  const ActionPlan plan = Reconcile(desired_, actual_, kNow);
  ASSERT_EQ(plan.obstacles.count(kSendB1), 1u);
  EXPECT_THAT(plan.obstacles.at(kSendB1), HasSubstr("no tunnel to b1: its tunnel key"));
  for (const Action& action : plan.actions) {
    EXPECT_FALSE(std::holds_alternative<SetPeer>(action));
  }
}

TEST_F(ReconcileTest, APeerWithoutEndpointIsAnObstacleWithWords) {
  desired_.config.peers[0].endpoints.clear();
  desired_.leases[kSendB1] = Terms(1);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).obstacles.at(kSendB1),
              HasSubstr("fabric address"));
}

TEST_F(ReconcileTest, ANewTunnelKeyReplacesThePeer) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  desired_.config.peers[0].key = Key(9);
  ActionPlan plan = Reconcile(desired_, actual_, kNow);
  EXPECT_THAT(plan.actions, ElementsAre(Action(RemovePeer{Key(1)})))
      << "the keys were made with the tunnel that is gone";
  keys_["b1"] = {Key(9), Epochs({7}), 7};
  plan = Reconcile(desired_, actual_, kNow);
  ASSERT_EQ(plan.actions.size(), 2u);
  EXPECT_EQ(plan.actions[0], Action(RemovePeer{Key(1)}));
  EXPECT_EQ(std::get<SetPeer>(plan.actions[1]).terms.key, Key(9));
  EXPECT_EQ(std::get<SetPeer>(plan.actions[1]).terms.send_epoch, 7u);
}

TEST_F(ReconcileTest, DenyAllClosesEverything) {
  desired_.leases[kSendB1] = Terms(1);
  desired_.leases[kSendB2] = Terms(1);
  Settle();
  desired_.deny_all = true;
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(CloseSide{kSendB1}), Action(CloseSide{kSendB2}),
                          Action(RemovePeer{Key(1)}), Action(RemovePeer{Key(2)})));
}

TEST_F(ReconcileTest, TheOrderOfAConfigDoesNotMatter) {
  Settle();
  std::reverse(desired_.config.peers.begin(), desired_.config.peers.end());
  std::reverse(desired_.config.links.begin(), desired_.config.links.end());
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions, IsEmpty());
}

TEST_F(ReconcileTest, WithoutAKeyNothingIsSentAndNoPeerIsSet) {
  Settle();
  keys_.erase("b1");
  desired_.leases[kSendB1] = Terms(1);
  desired_.leases[kReceiveB1] = Terms(1);
  const ActionPlan plan = Reconcile(desired_, actual_, kNow);
  EXPECT_THAT(plan.actions, ElementsAre(Action(ApplyLease{kReceiveB1, Terms(1)})));
  EXPECT_THAT(plan.obstacles.at(kSendB1), HasSubstr("no key yet"));
}

TEST_F(ReconcileTest, TheGateOpensForSendingWhenThePeerHasTheKeyToo) {
  Settle();
  keys_["b1"].send_epoch = 0;
  desired_.leases[kSendB1] = Terms(1);
  ActionPlan plan = Settle();
  EXPECT_THAT(plan.actions, IsEmpty());
  EXPECT_EQ(actual_.peers.size(), 1u);
  EXPECT_FALSE(actual_.gate.contains(kSendB1));
  EXPECT_THAT(plan.obstacles.at(kSendB1), HasSubstr("b1 has not said that it has one"));
  keys_["b1"].send_epoch = 5;
  plan = Reconcile(desired_, actual_, kNow);
  EXPECT_THAT(plan.actions,
              ElementsAre(Action(SetPeer{PeerB1()}), Action(ApplyLease{kSendB1, Terms(1)})));
}

TEST_F(ReconcileTest, EveryStepOfARotationSetsThePeer) {
  desired_.leases[kSendB1] = Terms(1);
  ASSERT_THAT(Settle().actions, IsEmpty());
  const auto step = [&](const std::vector<uint64_t>& epochs, uint64_t send) {
    keys_["b1"] = {Key(1), Epochs(epochs), send};
    const ActionPlan plan = Reconcile(desired_, actual_, kNow);
    EXPECT_EQ(plan.actions.size(), 1u);
    EXPECT_THAT(Settle().actions, IsEmpty());
  };
  step({5, 6}, 5);
  step({5, 6}, 6);
  step({6}, 6);
}

TEST_F(ReconcileTest, WhatAnEarlierRunLeftIsKeptUntilThereAreNewKeys) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  actual_.peers[0].epochs.clear();  // as after a start
  actual_.peers[0].send_epoch = 0;
  keys_.clear();
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions, IsEmpty());
  desired_.leases[kSendB1] = Terms(2);
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(ApplyLease{kSendB1, Terms(2)})));
}

TEST(ChooseEndpointTest, PrefersOurNetworksThenOurFamily) {
  const std::vector<Endpoint> all = {At("203.0.113.1:1"), At("[2001:db8::1]:1"), At("192.0.2.9:1")};
  EXPECT_EQ(ChooseEndpoint(all, {Prefix("192.0.2.0/24")}), At("192.0.2.9:1"));
  EXPECT_EQ(ChooseEndpoint(all, {Prefix("2001:db8:1::/64")}), At("[2001:db8::1]:1"));
  EXPECT_EQ(ChooseEndpoint(all, {}), At("203.0.113.1:1"));
  EXPECT_EQ(ChooseEndpoint({}, {Prefix("192.0.2.0/24")}), std::nullopt);
}

TEST(ChooseEndpointTest, TheFirstPortsNetworkWins) {
  const std::vector<Endpoint> all = {At("192.0.2.9:1"), At("198.51.100.9:1")};
  EXPECT_EQ(ChooseEndpoint(all, {Prefix("198.51.100.0/24"), Prefix("192.0.2.0/24")}),
            At("198.51.100.9:1"));
}

TEST_F(ReconcileTest, APeerThatDoesNotAnswerIsAskedAnew) {
  desired_.leases[kSendB1] = Terms(1);
  Settle();
  ASSERT_EQ(actual_.peers.size(), 1u);
  ASSERT_THAT(Settle().actions, IsEmpty());
  actual_.peers[0].unanswered = true;
  EXPECT_THAT(Reconcile(desired_, actual_, kNow).actions,
              ElementsAre(Action(RemovePeer{Key(1)}), Action(SetPeer{PeerB1()})));
}

}  // namespace
}  // namespace sluice
