// The node as a whole: hello, heartbeats, restarts, reboots, faults.
#include <gmock/gmock.h>

#include "agent/apply/core_rig_testing.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using AgentMessage = agent::v1::AgentMessage;

class AgentCoreNodeTest : public CoreRig {};

TEST_F(AgentCoreNodeTest, HelloSaysWhoAndWhatIsThere) {
  Open();
  Traffic(kSend, 55);
  core_->OnDisconnected();
  Connect();
  ASSERT_EQ(out_.front().body_case(), AgentMessage::kHello);
  const agent::v1::Hello& hello = out_.front().hello();
  EXPECT_EQ(hello.boot_nonce(), ToWireBytes(nonce_));
  EXPECT_EQ(hello.version(), "1.2.3");
  EXPECT_EQ(hello.tunnel_key(), ToWireBytes(tunnel_->public_key().value()));
  EXPECT_THAT(hello.fabric_endpoints(), ElementsAre("192.0.2.1:51820"));
  EXPECT_EQ(hello.sent_at_ns(), clock_.Now().ns);
  ASSERT_EQ(hello.links_size(), 2);
  EXPECT_EQ(hello.links(0).link(), "a1>b1");
  EXPECT_EQ(hello.links(0).admitted_bytes(), 55u);
  EXPECT_EQ(hello.links(0).lease_sequence(), 1u);
}

TEST_F(AgentCoreNodeTest, HeartbeatsAreRegularAndCountEverything) {
  Open();
  Pass(absl::Seconds(2));
  EXPECT_GE(Count(AgentMessage::kHeartbeat), 9);
  EXPECT_LE(Count(AgentMessage::kHeartbeat), 12);
  Traffic(kSend, 99);
  Pass(absl::Milliseconds(200));
  EXPECT_EQ(LastHeartbeat().links(0).admitted_bytes(), 99u);
  EXPECT_EQ(LastHeartbeat().applied_generation(), 1u);
  EXPECT_THAT(LastHeartbeat().faults(), IsEmpty());
}

TEST_F(AgentCoreNodeTest, OfflineItSendsNothing) {
  Open();
  core_->OnDisconnected();
  Pass(absl::Seconds(40), absl::Milliseconds(100));
  EXPECT_THAT(out_, IsEmpty());
}

TEST_F(AgentCoreNodeTest, RoutesLeadIntoTheTunnelOrNowhere) {
  Open();
  const std::vector<Route>& table = routes_.tables().at(kAcceleratorTable);
  ASSERT_EQ(table.size(), 3u);
  for (const Route& route : table) {
    if (route.blackhole) continue;
    EXPECT_EQ(route.destination, ParseIpPrefix("10.2.0.0/24").value());
    EXPECT_EQ(route.device, "slu0");
  }
}

TEST_F(AgentCoreNodeTest, ARestartTakesOverWithoutAGap) {
  Open();
  Traffic(kSend, 1000);
  const BootNonce before = nonce_;
  clock_.Advance(absl::Seconds(3));
  Restart();
  EXPECT_TRUE(adopted_);
  EXPECT_EQ(nonce_, before);
  core_->Tick(out_);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_TRUE(HasPeer());
  EXPECT_EQ(tunnel_device_->removals, 0);
  EXPECT_EQ(Gate(kSend).admitted, Bytes{1000});
  EXPECT_FALSE(GateOpen(kReceive));
}

TEST_F(AgentCoreNodeTest, AfterARestartTheLeaseStillEndsOnTime) {
  Open();
  clock_.Advance(absl::Seconds(10));
  Restart();
  PassExactly(absl::Seconds(20) - absl::Nanoseconds(1));
  EXPECT_TRUE(GateOpen(kSend));
  PassExactly(absl::Nanoseconds(1));
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
}

TEST_F(AgentCoreNodeTest, AfterARestartOldLeasesAreStillOld) {
  Open();
  const Lease old = GoodLease(4);
  Deliver(old);
  Restart();
  Connect();
  Deliver(old);
  Deliver(GoodLease(3));
  EXPECT_EQ(core_->refusals(LeaseRefusal::kNotNewer), 2u);
  EXPECT_EQ(Gate(kSend).lease_sequence, 4u);
}

TEST_F(AgentCoreNodeTest, AfterARestartRevokedLeasesStayRevoked) {
  Open();
  Revoke(kSend, 9);
  Restart();
  Connect();
  Deliver(GoodLease(9));
  EXPECT_EQ(core_->refusals(LeaseRefusal::kNotNewer), 1u);
  EXPECT_FALSE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, ARestartOpensNothingThatWasNotOpen) {
  Open();
  // Written down but never applied: the crash came in between.
  const Lease lease = GoodLease(2);
  Fail(FakeDatapath::Call::kApply, absl::InternalError("crashed here"));
  Deliver(lease);
  Heal(FakeDatapath::Call::kApply);
  ASSERT_TRUE(datapath_->Close(kSend).ok());
  Restart();
  Pass(absl::Seconds(3));
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
}

TEST_F(AgentCoreNodeTest, ARestartRenewsOnTime) {
  Open();
  Restart();
  Connect();
  EXPECT_EQ(Requests(), 0);
  PassExactly(absl::Seconds(20));
  EXPECT_EQ(Requests(), 1);
}

TEST_F(AgentCoreNodeTest, ARebootBeginsWithNothing) {
  Open();
  const BootNonce before = nonce_;
  const Lease old = GoodLease(2);
  files_.files["/proc/sys/kernel/random/boot_id"] = "boot-2\n";
  gate_.Reboot();
  Restart();
  EXPECT_FALSE(adopted_);
  EXPECT_NE(nonce_, before);
  Connect();
  Configure();
  Deliver(old);
  EXPECT_EQ(core_->refusals(LeaseRefusal::kOtherBoot), 1u);
  EXPECT_FALSE(GateOpen(kSend));
  // The sequence numbers of another boot bind nobody.
  Deliver(GoodLease(1));
  EXPECT_TRUE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, ALostRunDirectoryIsAReboot) {
  Open();
  const BootNonce before = nonce_;
  std::erase_if(files_.files, [](const auto& f) { return f.first.starts_with("/run/"); });
  Restart();
  EXPECT_NE(nonce_, before);
  EXPECT_FALSE(GateOpen(kSend));
  core_->Tick(out_);
  EXPECT_EQ(Gate(kSend).admitted, Bytes{0});
}

TEST_F(AgentCoreNodeTest, CountersThatBeganAnewAreAReboot) {
  Open();
  const BootNonce before = nonce_;
  gate_.Reboot();
  Restart();
  EXPECT_NE(nonce_, before);
}

TEST_F(AgentCoreNodeTest, ADamagedRunDirectoryIsReportedNotTrusted) {
  Open();
  files_.files["/run/leases/a1>b1.send.lease"] = "garbage";
  core_.reset();
  Boot();
  EXPECT_TRUE(absl::IsDataLoss(started_)) << started_;
}

TEST_F(AgentCoreNodeTest, AForgedLeaseFileIsNotTrusted) {
  Open();
  std::array<uint8_t, 32> other{};
  other.fill(9);
  files_.files["/run/leases/a1>b1.send.lease"] =
      SignLease(Secret32(other), GoodLease(7)).SerializeAsString();
  core_.reset();
  Boot();
  EXPECT_TRUE(absl::IsDataLoss(started_));
}

TEST_F(AgentCoreNodeTest, AnInterruptedStartIsAReboot) {
  Open();
  const BootNonce before = nonce_;
  files_.files["/run/starting"] = "";
  Restart();
  EXPECT_NE(nonce_, before);
  EXPECT_FALSE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, ALinkThatLeavesTheConfigIsClosedAndReported) {
  Open();
  Traffic(kSend, 10);
  agent::v1::Config config = GoodConfig();
  config.set_generation(2);
  config.mutable_links()->DeleteSubrange(0, 1);
  Configure(config);
  EXPECT_EQ(LastClosed().link(), "a1>b1");
  EXPECT_EQ(LastClosed().admitted_bytes(), 10u);
  EXPECT_FALSE(HasPeer());
  Pass(absl::Milliseconds(200));
  EXPECT_EQ(LastHeartbeat().applied_generation(), 2u);
}

TEST_F(AgentCoreNodeTest, ALeaseWithoutAWayToThePeerSaysSo) {
  Connect();
  agent::v1::Config config = GoodConfig();
  config.mutable_peers(0)->clear_tunnel_key();
  Configure(config);
  Grant(1);
  Pass(absl::Milliseconds(200));
  EXPECT_THAT(LastHeartbeat().links(0).fault(), HasSubstr("no tunnel to b1"));
  Configure(GoodConfig());
  EXPECT_TRUE(HasPeer());
  Pass(absl::Milliseconds(200));
  EXPECT_EQ(LastHeartbeat().links(0).fault(), "");
}

TEST_F(AgentCoreNodeTest, AGateThatDoesNotTakeALeaseSaysSoAndIsTriedAgain) {
  Connect();
  Configure();
  Fail(FakeDatapath::Call::kApply, absl::InternalError("no memory for a class"));
  Grant(1);
  Pass(absl::Milliseconds(200));
  EXPECT_THAT(LastHeartbeat().links(0).fault(), HasSubstr("no memory for a class"));
  Heal(FakeDatapath::Call::kApply);
  Pass(absl::Seconds(2));
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_EQ(LastHeartbeat().links(0).fault(), "");
}

TEST_F(AgentCoreNodeTest, AnUnsoundGateClosesEverythingUntilItIsSound) {
  Open();
  Fail(FakeDatapath::Call::kVerify, absl::FailedPreconditionError("acc_ingress is not attached"));
  Pass(absl::Seconds(2));
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(HasPeer());
  EXPECT_THAT(LastHeartbeat().faults(0), HasSubstr("acc_ingress is not attached"));
  Deliver(GoodLease(2));
  EXPECT_FALSE(GateOpen(kSend));
  Heal(FakeDatapath::Call::kVerify);
  Pass(absl::Seconds(2));
  Deliver(GoodLease(3));
  EXPECT_TRUE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, AGateThatDoesNotCloseStopsTheNodeUntilItDoes) {
  Open();
  Fail(FakeDatapath::Call::kClose, absl::InternalError("map is gone"));
  Revoke(kSend, 1);
  EXPECT_TRUE(gate_.kill_switch());
  EXPECT_EQ(Count(AgentMessage::kLeaseClosed), 0);
  EXPECT_FALSE(HasPeer());
  Pass(absl::Seconds(1));
  EXPECT_THAT(Faults(), HasSubstr("kill switch on"));
  Heal(FakeDatapath::Call::kClose);
  Pass(absl::Seconds(2));
  EXPECT_FALSE(gate_.kill_switch());
  EXPECT_EQ(Count(AgentMessage::kLeaseClosed), 1);
  Deliver(GoodLease(2));
  EXPECT_TRUE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, TheKillSwitchOutlivesARestart) {
  Open();
  Fail(FakeDatapath::Call::kClose, absl::InternalError("map is gone"));
  Revoke(kSend, 1);
  ASSERT_TRUE(gate_.kill_switch());
  core_.reset();
  Boot();
  Fail(FakeDatapath::Call::kClose, absl::InternalError("map is gone"));
  core_->Tick(out_);
  EXPECT_TRUE(gate_.kill_switch());
  Heal(FakeDatapath::Call::kClose);
  Pass(absl::Seconds(2));
  EXPECT_FALSE(gate_.kill_switch());
  EXPECT_FALSE(GateOpen(kSend));
}

TEST_F(AgentCoreNodeTest, ForeignTunnelPeersAreRemoved) {
  Open();
  TunnelPeer foreign;
  foreign.key = {0xee};
  ASSERT_TRUE(tunnel_->SetPeer(foreign).ok());
  Pass(absl::Seconds(2));
  EXPECT_FALSE(tunnel_device_->peers.contains(foreign.key));
  EXPECT_TRUE(HasPeer());
}

TEST_F(AgentCoreNodeTest, AMovedFabricAddressMeansANewHello) {
  Open();
  EXPECT_FALSE(core_->TakeReconnect());
  ASSERT_TRUE(routes_.AddAddress("fab0", {ParseIpAddress("192.0.2.77").value(), 24}).ok());
  Pass(absl::Seconds(2));
  EXPECT_TRUE(core_->TakeReconnect());
  EXPECT_FALSE(core_->TakeReconnect());
}

TEST_F(AgentCoreNodeTest, GarbageFromTheControllerIsCountedAndChangesNothing) {
  Open();
  agent::v1::ControllerMessage message;
  core_->OnMessage(message, out_);
  agent::v1::Config config = GoodConfig();
  config.set_generation(7);
  config.add_accelerator_prefixes("not a prefix");
  *message.mutable_config() = config;
  core_->OnMessage(message, out_);
  message.mutable_denied()->set_link("\xff>\xfe");
  core_->OnMessage(message, out_);
  message.mutable_revoke()->set_link("a1>b1");
  core_->OnMessage(message, out_);
  message.mutable_revoke()->set_link("c1>d1");
  message.mutable_revoke()->set_role(agent::v1::ROLE_SEND);
  core_->OnMessage(message, out_);
  message.mutable_lease()->set_lease("x");
  core_->OnMessage(message, out_);
  EXPECT_EQ(core_->bad_messages(), 5u);
  Pass(absl::Milliseconds(200));
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_EQ(LastHeartbeat().applied_generation(), 1u);
  EXPECT_GE(LastHeartbeat().faults_size(), 3);
}

TEST_F(AgentCoreNodeTest, IdleItSleeps) {
  Connect();
  Configure();
  Deny(absl::Minutes(4));
  out_.clear();
  int wakes = 0;
  const BootTime end = clock_.Now() + absl::Seconds(10);
  while (clock_.Now() < end) {
    const BootTime next = core_->NextWake();
    ASSERT_GT(next, clock_.Now());
    clock_.Advance(next - clock_.Now());
    core_->Tick(out_);
    ++wakes;
  }
  EXPECT_LE(wakes, 90) << "five heartbeats, two looks at the peers, one at the gate a second";
}

TEST_F(AgentCoreNodeTest, HeartbeatsTellOnceASecondWhatThePortsCarried) {
  PortCounts counts;
  counts.port = "fab0";
  counts.tx.tunnel = {300, 3};
  datapath_->fabric = {counts};
  routes_.counters["fab0"] = {{500, 5}, {700, 7}};
  Open();
  Pass(absl::Milliseconds(1'900));
  std::vector<agent::v1::PortCounts> told;
  for (const auto& message : out_)
    told.insert(told.end(), message.heartbeat().ports().begin(), message.heartbeat().ports().end());
  ASSERT_GE(told.size(), 1u);
  EXPECT_LE(told.size(), 2u);
  EXPECT_EQ(told[0].port(), "fab0");
  EXPECT_EQ(told[0].tx().tunnel().bytes(), 300u);
  EXPECT_EQ(told[0].tx().device().bytes(), 700u);
  EXPECT_EQ(told[0].rx().device().packets(), 5u);
}

}  // namespace
}  // namespace sluice
