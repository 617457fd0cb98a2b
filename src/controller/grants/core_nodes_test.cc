// Nodes, tokens, enrolment.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "controller/grants/control_net.h"
#include "controller/grants/core_test_fleet.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class CoreNodesTest : public testing::Test {
 protected:
  JoinToken Add(const std::string& name, const std::vector<IpPrefix>& prefixes = {}) {
    Effects effects;
    auto added = fleet_.core_->AddNode(name, "east", false, prefixes, effects);
    EXPECT_TRUE(added.ok()) << added.status();
    EXPECT_TRUE(effects.control_peers_changed);
    return *DecodeJoinToken(added->token);
  }
  absl::StatusOr<agent::v1::EnrolReply> Enrol(const JoinToken& token, uint8_t key,
                                              const std::string& prefix = "10.1.0.0/24") {
    TestAgent agent;
    agent.control_key = {key, 9};
    agent::v1::EnrolRequest request = TestFleet::EnrolRequestOf(agent);
    request.add_accelerator_prefixes(prefix);
    Effects effects;
    return fleet_.core_->Enrol(token.address, request, effects);
  }
  bool HasPeer(const PublicKey& key) {
    for (const ControlPeer& peer : fleet_.core_->ControlPeers())
      if (peer.key == key) return true;
    return false;
  }
  TestFleet fleet_;
};

TEST_F(CoreNodesTest, ATokenEnrolsItsNodeOnce) {
  const JoinToken token = Add("a1");
  EXPECT_EQ(token.node, "a1");
  EXPECT_EQ(token.controller_key, fleet_.config_.control_key);
  EXPECT_TRUE(HasPeer(X25519PublicKey(JoinTunnelKey(token.secret))));
  auto reply = Enrol(token, 1);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->node(), "a1");
  EXPECT_EQ(reply->fleet(), "lab");
  EXPECT_TRUE(HasPeer(PublicKey{1, 9}));
  EXPECT_EQ(*fleet_.core_->NodeAt(*ParseIpAddress(reply->control_address())), "a1");

  auto again = Enrol(token, 2);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("this token was used at 2023-"));
  EXPECT_THAT(std::string(again.status().message()), HasSubstr("sluicectl node add"));
}

TEST_F(CoreNodesTest, AUsedTokenStaysUsedAfterARestart) {
  const JoinToken token = Add("a1");
  ASSERT_TRUE(Enrol(token, 1).ok());
  fleet_.Restart();
  EXPECT_EQ(Enrol(token, 2).status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_TRUE(HasPeer(PublicKey{1, 9}));
}

TEST_F(CoreNodesTest, TheSameKeysGetTheSameAnswerAgain) {
  const JoinToken token = Add("a1");
  auto first = Enrol(token, 1);
  ASSERT_TRUE(first.ok());
  fleet_.Restart();
  auto second = Enrol(token, 1);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->SerializeAsString(), second->SerializeAsString());
}

TEST_F(CoreNodesTest, AnExpiredTokenIsRefusedAndForgottenLater) {
  const JoinToken token = Add("a1");
  const PublicKey peer = X25519PublicKey(JoinTunnelKey(token.secret));
  fleet_.clock_.Advance(fleet_.config_.token_lifetime);
  auto reply = Enrol(token, 1);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("has expired"));
  EXPECT_TRUE(HasPeer(peer));
  fleet_.clock_.Advance(absl::Hours(24));
  Effects effects;
  fleet_.core_->Tick(effects);
  EXPECT_TRUE(effects.control_peers_changed);
  EXPECT_FALSE(HasPeer(peer));
}

TEST_F(CoreNodesTest, WallClockStepsChangeNoExpiry) {
  const JoinToken token = Add("a1");
  fleet_.clock_.StepWall(absl::Hours(1000));
  EXPECT_TRUE(Enrol(token, 1).ok());
}

TEST_F(CoreNodesTest, ANewerTokenWithdrawsTheOneBefore) {
  const JoinToken first = Add("a1");
  const JoinToken second = Add("a1");
  auto reply = Enrol(first, 1);
  EXPECT_EQ(reply.status().code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(reply.status().message()), HasSubstr("withdrawn"));
  EXPECT_TRUE(Enrol(second, 1).ok());
}

TEST_F(CoreNodesTest, ReEnrolmentReplacesTheKeyAndKeepsTheAddress) {
  auto first = Enrol(Add("a1"), 1);
  auto second = Enrol(Add("a1"), 2);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(first->control_address(), second->control_address());
  EXPECT_FALSE(HasPeer(PublicKey{1, 9}));
  EXPECT_TRUE(HasPeer(PublicKey{2, 9}));
}

TEST_F(CoreNodesTest, TokensAreGoodForEnrollingOnlyAndNodesForSessionsOnly) {
  const JoinToken token = Add("a1");
  EXPECT_EQ(fleet_.core_->NodeAt(token.address).status().code(),
            absl::StatusCode::kPermissionDenied);
  auto reply = Enrol(token, 1);
  Effects effects;
  EXPECT_EQ(
      fleet_.core_
          ->Enrol(*ParseIpAddress(reply->control_address()), agent::v1::EnrolRequest{}, effects)
          .status()
          .code(),
      absl::StatusCode::kPermissionDenied);
  EXPECT_FALSE(fleet_.core_->NodeAt(ControllerAddress()).ok());
}

TEST_F(CoreNodesTest, BadKeysAreRefusedAndTheTokenStaysGood) {
  const JoinToken token = Add("a1");
  agent::v1::EnrolRequest request;
  request.set_identity_key("short");
  Effects effects;
  EXPECT_EQ(fleet_.core_->Enrol(token.address, request, effects).status().code(),
            absl::StatusCode::kInvalidArgument);
  // The controller's own key.
  TestAgent agent;
  agent.control_key = fleet_.config_.control_key;
  request = TestFleet::EnrolRequestOf(agent);
  request.add_accelerator_prefixes("10.1.0.0/24");
  EXPECT_EQ(fleet_.core_->Enrol(token.address, request, effects).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(Enrol(token, 1).ok());
}

TEST_F(CoreNodesTest, ConflictingPrefixesAreRefused) {
  Add("a1", {*ParseIpPrefix("10.1.0.0/24")});
  Effects effects;
  const auto status =
      fleet_.core_->AddNode("a2", "east", false, {*ParseIpPrefix("10.1.0.128/25")}, effects)
          .status();
  EXPECT_EQ(status.code(), absl::StatusCode::kAlreadyExists);
  EXPECT_THAT(std::string(status.message()), HasSubstr("node a1"));
  EXPECT_EQ(Enrol(Add("a3"), 3, "10.1.0.0/16").status().code(), absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(Enrol(Add("a4"), 4, "10.1.0.1/24").status().code(), absl::StatusCode::kInvalidArgument);
  // A gateway stands for the world around.
  EXPECT_TRUE(
      fleet_.core_->AddNode("gw", "edge", true, {*ParseIpPrefix("0.0.0.0/0")}, effects).ok());
  Add("a5", {*ParseIpPrefix("10.5.0.0/24")});
}

TEST_F(CoreNodesTest, ANameTakenByAnotherEnclosureIsRefused) {
  Add("a1");
  Effects effects;
  EXPECT_EQ(fleet_.core_->AddNode("a1", "west", false, {}, effects).status().code(),
            absl::StatusCode::kAlreadyExists);
  EXPECT_EQ(fleet_.core_->AddNode("A 1", "west", false, {}, effects).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(CoreNodesTest, AFullDiskAddsNothing) {
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  Effects effects;
  EXPECT_EQ(fleet_.core_->AddNode("a1", "east", false, {}, effects).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(fleet_.core_->Nodes().empty());
  EXPECT_TRUE(fleet_.core_->ControlPeers().empty());
  const JoinToken token = Add("a1");
  fleet_.store_.FailCommits(1, absl::ResourceExhaustedError("disk full"));
  EXPECT_EQ(Enrol(token, 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Enrol(token, 1).ok());
}

TEST_F(CoreNodesTest, ARemovedNodeIsGoneForGood) {
  auto reply = Enrol(Add("a1"), 1);
  const IpAddress address = *ParseIpAddress(reply->control_address());
  Effects effects;
  ASSERT_TRUE(fleet_.core_->RemoveNode("a1", effects).ok());
  EXPECT_FALSE(fleet_.core_->NodeAt(address).ok());
  EXPECT_TRUE(HasPeer(PublicKey{1, 9}));  // for the last words
  fleet_.clock_.Advance(absl::Seconds(3));
  fleet_.core_->Tick(effects);
  EXPECT_FALSE(HasPeer(PublicKey{1, 9}));
  fleet_.Restart();
  EXPECT_TRUE(fleet_.core_->Nodes().empty());
  EXPECT_EQ(fleet_.core_->RemoveNode("a1", effects).code(), absl::StatusCode::kNotFound);
  // Its address is not given to anybody else.
  EXPECT_NE(Enrol(Add("a1"), 1)->control_address(), reply->control_address());
}

TEST_F(CoreNodesTest, AForeignLedgerIsRefused) {
  CoreConfig other = fleet_.config_;
  other.fleet = "another";
  EXPECT_EQ(ControllerCore::Create(other, fleet_.store_, fleet_.clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
  other = fleet_.config_;
  other.signing_seed = NewSecret();
  EXPECT_EQ(ControllerCore::Create(other, fleet_.store_, fleet_.clock_).status().code(),
            absl::StatusCode::kFailedPrecondition);
}

}  // namespace
}  // namespace sluice
