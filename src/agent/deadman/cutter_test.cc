#include "agent/deadman/cutter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/crypto.h"

namespace sluice {
namespace {

using ::testing::_;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::InSequence;
using ::testing::IsEmpty;
using ::testing::Return;
using ::testing::StrictMock;

class MockDatapath : public Datapath {
 public:
  MOCK_METHOD(absl::StatusOr<Started>, Start, (const DatapathConfig&), (override));
  MOCK_METHOD(absl::Status, SetOwnPrefixes, (const std::vector<IpPrefix>&), (override));
  MOCK_METHOD(absl::Status, SetRoutes, (const std::vector<GateRoute>&), (override));
  MOCK_METHOD(absl::Status, Apply, (const LinkSide&, const GateLease&), (override));
  MOCK_METHOD(absl::StatusOr<LinkReport>, Close, (const LinkSide&), (override));
  MOCK_METHOD(absl::StatusOr<Reading>, Read, (), (override));
  MOCK_METHOD(absl::StatusOr<std::vector<PortCounts>>, ReadFabric, (), (override));
  MOCK_METHOD(absl::Status, SetKillSwitch, (bool), (override));
  MOCK_METHOD(absl::Status, Verify, (), (override));
  MOCK_METHOD(absl::Status, Remove, (), (override));
};

class MockTunnel : public Tunnel {
 public:
  MOCK_METHOD(const std::string&, device, (), (const, override));
  MOCK_METHOD(const std::string&, backend, (), (const, override));
  MOCK_METHOD(const std::string&, backend_reason, (), (const, override));
  MOCK_METHOD(absl::Status, Configure, (const TunnelConfig&), (override));
  MOCK_METHOD(absl::StatusOr<PublicKey>, public_key, (), (override));
  MOCK_METHOD(absl::Status, SetPeer, (const TunnelPeer&), (override));
  MOCK_METHOD(absl::Status, Limit, (const PublicKey&, Role, const TunnelLimits&), (override));
  MOCK_METHOD(absl::Status, RemovePeer, (const PublicKey&), (override));
  MOCK_METHOD(absl::StatusOr<std::vector<TunnelPeerState>>, Peers, (), (override));
  MOCK_METHOD(absl::Status, Destroy, (), (override));
};

const LinkSide kSendB1{{"a1", "b1"}, Role::kSend};
const LinkSide kSendB2{{"a1", "b2"}, Role::kSend};
constexpr PublicKey kKey{7};

LinkReport ReportOf(const LinkSide& side) {
  LinkReport report;
  report.side = side;
  return report;
}

class CutterTest : public ::testing::Test {
 protected:
  CutResult CutAll() { return Cut({kSendB1, kSendB2}, {kKey}, datapath_, tunnel_); }

  StrictMock<MockDatapath> datapath_;
  StrictMock<MockTunnel> tunnel_;
};

TEST_F(CutterTest, ClosesGatesBeforeItRemovesKeys) {
  InSequence in_this_order;
  EXPECT_CALL(datapath_, Close(kSendB1)).WillOnce(Return(ReportOf(kSendB1)));
  EXPECT_CALL(datapath_, Close(kSendB2)).WillOnce(Return(ReportOf(kSendB2)));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::OkStatus()));
  const CutResult result = CutAll();
  EXPECT_EQ(result.closed.size(), 2u);
  EXPECT_THAT(result.removed, ElementsAre(kKey));
  EXPECT_THAT(result.faults, IsEmpty());
  EXPECT_FALSE(result.kill_switch);
}

TEST_F(CutterTest, AGateThatDoesNotCloseTurnsTheKillSwitchOnAndTheRestGoesOn) {
  InSequence in_this_order;
  EXPECT_CALL(datapath_, Close(kSendB1)).WillOnce(Return(absl::InternalError("map gone")));
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillOnce(Return(absl::OkStatus()));
  EXPECT_CALL(datapath_, Close(kSendB2)).WillOnce(Return(ReportOf(kSendB2)));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::OkStatus()));
  const CutResult result = CutAll();
  EXPECT_TRUE(result.kill_switch);
  EXPECT_THAT(result.not_closed, ElementsAre(kSendB1));
  EXPECT_THAT(result.faults, ElementsAre(HasSubstr("cannot close a1>b1 (send): map gone")));
}

TEST_F(CutterTest, AKeyThatDoesNotGoTurnsTheKillSwitchOn) {
  EXPECT_CALL(datapath_, Close(_)).WillRepeatedly(Return(LinkReport{}));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::InternalError("socket gone")));
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillOnce(Return(absl::OkStatus()));
  const CutResult result = CutAll();
  EXPECT_TRUE(result.kill_switch);
  EXPECT_THAT(result.removed, IsEmpty());
}

TEST_F(CutterTest, EvenWithoutKillSwitchTheKeysGo) {
  EXPECT_CALL(datapath_, Close(_)).WillRepeatedly(Return(absl::InternalError("map gone")));
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillRepeatedly(Return(absl::InternalError("too")));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::OkStatus()));
  const CutResult result = CutAll();
  EXPECT_FALSE(result.kill_switch);
  EXPECT_THAT(result.faults, Contains(HasSubstr("kill switch failed")));
  EXPECT_THAT(result.removed, ElementsAre(kKey));
}

TEST_F(CutterTest, ASideThatTheGateDoesNotHaveIsNoFailure) {
  EXPECT_CALL(datapath_, Close(_)).WillRepeatedly(Return(absl::NotFoundError("no route")));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::OkStatus()));
  const CutResult result = CutAll();
  EXPECT_THAT(result.closed, IsEmpty());
  EXPECT_THAT(result.faults, IsEmpty());
}

class CutNodeTest : public CutterTest {
 protected:
  CutNodeTest() {
    blank_.private_key = NewSecret();
    reading_.links = {ReportOf(kSendB1), ReportOf(kSendB2)};
    peers_.emplace_back().peer.key = kKey;
  }
  NodeCut CutAll() { return CutNode(blank_, clock_, datapath_, tunnel_); }

  TunnelConfig blank_;
  FakeClock clock_;
  Datapath::Reading reading_;
  std::vector<TunnelPeerState> peers_;
};

MATCHER_P(HasKeyOf, config, "") {
  return X25519PublicKey(arg.private_key) == X25519PublicKey(config.private_key);
}

TEST_F(CutNodeTest, KillSwitchThenSidesThenPeersThenTheKey) {
  InSequence order;
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillOnce(Return(absl::OkStatus()));
  EXPECT_CALL(datapath_, Read()).WillOnce(Return(reading_));
  EXPECT_CALL(tunnel_, Peers()).WillOnce(Return(peers_));
  EXPECT_CALL(datapath_, Close(kSendB1)).WillOnce(Return(ReportOf(kSendB1)));
  EXPECT_CALL(datapath_, Close(kSendB2)).WillOnce(Return(ReportOf(kSendB2)));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(absl::OkStatus()));
  EXPECT_CALL(tunnel_, Configure(HasKeyOf(blank_))).WillOnce(Return(absl::OkStatus()));
  const NodeCut cut = CutAll();
  EXPECT_TRUE(cut.done);
  EXPECT_EQ(cut.cut_at, clock_.Now());
  EXPECT_THAT(cut.cut.removed, ElementsAre(kKey));
}

TEST_F(CutNodeTest, NoFailureKeepsTheRestFromBeingCut) {
  const absl::Status broken = absl::InternalError("broken");
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillRepeatedly(Return(broken));
  EXPECT_CALL(datapath_, Read()).WillOnce(Return(reading_));
  EXPECT_CALL(tunnel_, Peers()).WillOnce(Return(peers_));
  EXPECT_CALL(datapath_, Close(_)).Times(2).WillRepeatedly(Return(broken));
  EXPECT_CALL(tunnel_, RemovePeer(kKey)).WillOnce(Return(broken));
  EXPECT_CALL(tunnel_, Configure(_)).WillOnce(Return(broken));
  const NodeCut cut = CutAll();
  EXPECT_FALSE(cut.done);
  EXPECT_EQ(cut.cut_at, std::nullopt);
}

TEST_F(CutNodeTest, WhatCannotBeReadIsNotDone) {
  const absl::Status broken = absl::InternalError("broken");
  EXPECT_CALL(datapath_, SetKillSwitch(true)).WillOnce(Return(absl::OkStatus()));
  EXPECT_CALL(datapath_, Read()).WillOnce(Return(broken));
  EXPECT_CALL(tunnel_, Peers()).WillOnce(Return(broken));
  EXPECT_CALL(tunnel_, Configure(_)).WillOnce(Return(absl::OkStatus()));
  EXPECT_FALSE(CutAll().done);
}

}  // namespace
}  // namespace sluice
