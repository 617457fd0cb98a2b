#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/strings.h"
#include "controller/grants/core_test_fleet.h"
#include "wire/credential.h"
#include "wire/wiring_codec.h"

namespace sluice {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

constexpr char kWiringPlan[] = R"(graph fleet {
  a1 [enclosure=east]; a2 [enclosure=east]; b1 [enclosure=west];
  leaf [role=switch];
  a1:fab1 -- b1:fab1;
  a1:fab0 -- leaf:p1; a2:fab0 -- leaf:p2;
})";

class CoreWiringTest : public ::testing::Test, protected TestFleet {
 protected:
  void SetUp() override {
    Join("a1", "10.1.0.0/24");
    Join("a2", "10.2.0.0/24");
    Join("b1", "10.3.0.0/24", "west");
    for (const char* node : {"a1", "a2", "b1"}) ASSERT_TRUE(Hello(node).ok());
    ASSERT_TRUE(SetQuota(MakeQuota(kLink, 10 * kMegabyte)).ok());
    ASSERT_TRUE(SetQuota(MakeQuota({"a1", "a2"}, 10 * kMegabyte)).ok());
    for (auto& [name, agent] : agents_) agent.inbox.clear();
  }

  static Neighbour NeighbourOf(const TestAgent& agent, const std::string& port, bool nearest) {
    Neighbour neighbour;
    neighbour.port = {agent.name, port};
    neighbour.nearest = nearest;
    neighbour.identity = agent.control_key;
    neighbour.identity[31] = 1;
    neighbour.instance = {agent.boot[0], 1};
    return neighbour;
  }
  void Say(const std::string& name, const std::string& port, std::vector<Neighbour> neighbours) {
    NodeWiring wiring{{agent(name).boot[0], 1}, false, {}};
    PortWiring& said = wiring.ports.emplace_back();
    said.port = port;
    said.carrier = true;
    said.listening = absl::Seconds(9);
    said.neighbours = std::move(neighbours);
    agent::v1::AgentMessage message;
    *message.mutable_wiring() = ToProto(wiring);
    EXPECT_TRUE(Deliver(name, message).ok());
  }
  void AllWell() {
    Say("a1", "fab1", {NeighbourOf(agent("b1"), "fab1", true)});
    Say("b1", "fab1", {NeighbourOf(agent("a1"), "fab1", true)});
    Say("a1", "fab0", {NeighbourOf(agent("a2"), "fab0", false)});
    Say("a2", "fab0", {NeighbourOf(agent("a1"), "fab0", false)});
  }
  absl::Status SetPlan(const std::string& text) {
    Effects effects;
    const absl::Status status = core_->SetPlan(text, effects).status();
    Take(std::move(effects));
    return status;
  }
  absl::Status SetPolicy(const Scope& scope, std::optional<WiringPolicy> policy) {
    Effects effects;
    const absl::Status status = core_->SetWiringPolicy(scope, policy, effects);
    Take(std::move(effects));
    return status;
  }
  bool Revoked(const std::string& node, const LinkName& link) {
    for (const auto& message : agent(node).inbox)
      if (message.has_revoke() && message.revoke().link() == link.ToString()) return true;
    return false;
  }
  std::vector<std::string> EventKinds() {
    std::vector<std::string> kinds;
    for (const FleetEvent& event : core_->Events({}).events) kinds.push_back(event.kind);
    return kinds;
  }
};

TEST_F(CoreWiringTest, WithoutAPlanLinksLease) {
  EXPECT_FALSE(Request(kLink));
  EXPECT_EQ(core_->Topology().plan_version, 0u);
}

TEST_F(CoreWiringTest, APlanThatIsNotProvedGetsNoLease) {
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  const auto denied = Request(kLink);
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->reason(), agent::v1::DENY_MISWIRED);
  AllWell();
  EXPECT_FALSE(Request(kLink));
  EXPECT_EQ(View(kLink).wiring, "");
}

TEST_F(CoreWiringTest, ABadVerdictTakesTheLeaseFromBothEnds) {
  AllWell();
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_FALSE(Request(kLink));
  ASSERT_FALSE(Request({"a1", "a2"}));
  Say("a1", "fab1", {NeighbourOf(agent("a2"), "fab9", true)});
  EXPECT_TRUE(Revoked("a1", kLink));
  EXPECT_TRUE(Revoked("b1", kLink));
  EXPECT_FALSE(Revoked("a2", {"a1", "a2"}));
  Obey("a1");
  Obey("b1");
  EXPECT_THAT(View(kLink).why, HasSubstr("a2:fab9"));
  EXPECT_EQ(Request(kLink)->reason(), agent::v1::DENY_MISWIRED);
  EXPECT_FALSE(Request({"a1", "a2"}));
  EXPECT_THAT(EventKinds(), Contains("miswired"));
  Pass(absl::Milliseconds(200));
  EXPECT_THAT(EventKinds(), Contains("wiring"));
  AllWell();
  EXPECT_FALSE(Request(kLink)) << "by itself, when the wire is right again";
  Pass(absl::Milliseconds(200));
  EXPECT_THAT(EventKinds(), Contains("wiring_mended"));
}

TEST_F(CoreWiringTest, ALinkThatIsMadeLaterIsJudgedToo) {
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_TRUE(SetQuota(MakeQuota({"a2", "b1"}, kMegabyte)).ok());
  EXPECT_EQ(Request({"a2", "b1"})->reason(), agent::v1::DENY_MISWIRED);
  AllWell();
  EXPECT_THAT(Request({"a2", "b1"})->text(), HasSubstr("no way"));
}

TEST_F(CoreWiringTest, WhereThePolicyIsAlertNothingIsTaken) {
  AllWell();
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_TRUE(SetPolicy(Scope::Enclosure("east"), WiringPolicy::kAlert).ok());
  ASSERT_FALSE(Request(kLink));
  Say("a1", "fab1", {});
  Say("b1", "fab1", {});
  EXPECT_FALSE(Revoked("a1", kLink));
  EXPECT_EQ(View(kLink).state, LinkView::State::kOpen);
  EXPECT_THAT(View(kLink).wiring, HasSubstr("missing"));
  EXPECT_THAT(EventKinds(), Contains("miswired"));
  // The narrower scope counts, and the stricter one of two.
  ASSERT_TRUE(SetPolicy(Scope::Node("b1"), WiringPolicy::kEnforce).ok());
  EXPECT_TRUE(Revoked("a1", kLink));
  ASSERT_TRUE(SetPolicy(Scope::Link(kLink), WiringPolicy::kAlert).ok());
  Obey("a1");
  Obey("b1");
  EXPECT_FALSE(Request(kLink));
  ASSERT_TRUE(SetPolicy(Scope::Link(kLink), std::nullopt).ok());
  EXPECT_EQ(View(kLink).state, LinkView::State::kWaiting);
}

TEST_F(CoreWiringTest, PoliciesAndPlansOutliveTheProcess) {
  AllWell();
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_TRUE(SetPlan(std::string(kWiringPlan) + "\n// again\n").ok());
  ASSERT_TRUE(SetPolicy(Scope::Node("a2"), WiringPolicy::kAlert).ok());
  Restart();
  EXPECT_EQ(core_->Topology().plan_version, 2u);
  EXPECT_THAT(core_->Topology().policies, SizeIs(2));
  EXPECT_THAT(core_->Plans(), SizeIs(2));
  EXPECT_TRUE(core_->Plans()[0].active);
  EXPECT_EQ(*core_->PlanText(1), kWiringPlan);
  EXPECT_THAT(*core_->PlanText(0), HasSubstr("again"));
  EXPECT_FALSE(core_->PlanText(3).ok());
}

TEST_F(CoreWiringTest, PoliciesGoWithTheNodeThatTheyWereMeantFor) {
  for (const Scope& scope : {Scope::Node("b1"), Scope::Link(kLink), Scope::Enclosure("west"),
                             Scope::Enclosure("east"), Scope::Node("a2")})
    ASSERT_TRUE(SetPolicy(scope, WiringPolicy::kAlert).ok());
  Effects effects;
  ASSERT_TRUE(core_->RemoveNode("b1", effects).ok());
  const auto scopes = [&] {
    std::vector<Scope> found;
    for (const auto& policy : core_->Topology().policies) found.push_back(policy.scope);
    return found;
  };
  EXPECT_THAT(scopes(),
              UnorderedElementsAre(Scope::Fleet(), Scope::Enclosure("east"), Scope::Node("a2")));
  Restart();
  EXPECT_THAT(scopes(), SizeIs(3));
}

// Its heartbeats come, so it is connected; what it said of its wires once is no news of today.
TEST_F(CoreWiringTest, WiresThatANodeTellsNothingOfAnyMoreAreNotKnown) {
  AllWell();
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_FALSE(Request(kLink));
  Pass(absl::Seconds(13));
  EXPECT_EQ(Request(kLink)->reason(), agent::v1::DENY_MISWIRED);
  EXPECT_FALSE(Revoked("a1", kLink)) << "nothing is taken back for it";
  AllWell();
  EXPECT_FALSE(Request(kLink));
}

TEST_F(CoreWiringTest, ARestartTakesNoLeaseBeforeItKnows) {
  AllWell();
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_FALSE(Request(kLink));
  Restart();
  for (const char* node : {"a1", "a2", "b1"}) ASSERT_TRUE(Hello(node).ok());
  Pass(absl::Seconds(1));
  EXPECT_FALSE(agent("a1").gates.at({kLink, Role::kSend}).closed);
  EXPECT_FALSE(Revoked("a1", kLink));
  EXPECT_EQ(Request(kLink)->reason(), agent::v1::DENY_MISWIRED) << "but no new one either";
  AllWell();
  EXPECT_FALSE(Request(kLink));
}

TEST_F(CoreWiringTest, ALedgerWhosePlanWasEditedIsRefused) {
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  StoredState state = store_.Snapshot();
  ASSERT_THAT(state.plans, SizeIs(1));
  state.plans[0].text += " ";
  store_.Restore(state);
  const absl::Status status = ControllerCore::Create(config_, store_, clock_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss);
  EXPECT_THAT(std::string(status.message()), HasSubstr("plan"));
}

TEST_F(CoreWiringTest, ABadPlanChangesNothingAndTellsWhere) {
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  const absl::Status status = SetPlan("graph f {\n a1:fab0 -- ; }");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("plan:2:"));
  EXPECT_THAT(core_->Plans(), SizeIs(1));
}

TEST_F(CoreWiringTest, WithoutAPlanAgainNothingIsChecked) {
  ASSERT_TRUE(SetPlan(kWiringPlan).ok());
  ASSERT_TRUE(Request(kLink));
  ASSERT_TRUE(SetPlan("").ok());
  EXPECT_FALSE(Request(kLink));
  EXPECT_EQ(core_->Topology().plan_version, 0u);
}

TEST_F(CoreWiringTest, ADiskThatIsFullChangesNothing) {
  store_.FailCommits(2, absl::ResourceExhaustedError("full"));
  EXPECT_FALSE(SetPlan(kWiringPlan).ok());
  EXPECT_FALSE(SetPolicy(Scope::Fleet(), WiringPolicy::kAlert).ok());
  EXPECT_THAT(core_->Plans(), IsEmpty());
  EXPECT_EQ(core_->Topology().policies.front().policy, WiringPolicy::kEnforce);
}

TEST_F(CoreWiringTest, APreviewTellsWhichLinksWouldClose) {
  AllWell();
  ASSERT_FALSE(Request(kLink));
  const auto preview = core_->PreviewPlan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; leaf [role=switch];
    a1:fab0 -- leaf:p1; a2:fab0 -- leaf:p2; })");
  ASSERT_TRUE(preview.ok()) << preview.status();
  EXPECT_THAT(preview->closes, Contains(HasSubstr("a1>b1")));
  EXPECT_THAT(preview->findings, Contains(Field(&Finding::verdict, "undeclared")));
  EXPECT_EQ(core_->Topology().plan_version, 0u);
}

TEST_F(CoreWiringTest, TheFleetsWordsOfAnotherScopeAreRefused) {
  EXPECT_FALSE(SetPolicy(Scope::Node("nobody"), WiringPolicy::kAlert).ok());
  EXPECT_FALSE(SetPolicy(Scope::Link({"a1", "nobody"}), WiringPolicy::kAlert).ok());
}

TEST_F(CoreWiringTest, NodesGetTheirCredentials) {
  ASSERT_TRUE(Hello("a1").ok());
  Effects effects;
  agent::v1::Config config;
  TestAgent& a1 = agent("a1");
  a1.session = ++last_session_;
  agent::v1::AgentMessage hello;
  hello.mutable_hello()->set_boot_nonce(ToWireBytes(a1.boot));
  hello.mutable_hello()->set_tunnel_key(ToWireBytes(a1.control_key));
  hello.mutable_hello()->set_sent_at_ns(AgentNow(a1).ns);
  ASSERT_TRUE(core_->OnMessage("a1", a1.session, hello, effects).ok());
  for (const auto& send : effects.sends)
    if (send.node == "a1" && send.message.has_config()) config = send.message.config();
  const auto credential =
      VerifyCredential(Ed25519PublicKey(config_.signing_seed), config.credential().credential(),
                       config.credential().signature());
  ASSERT_TRUE(credential.ok()) << credential.status();
  EXPECT_EQ(credential->node, "a1");
}

TEST_F(CoreWiringTest, AReportThatMakesNoSenseEndsTheSession) {
  agent::v1::AgentMessage message;
  message.mutable_wiring()->set_instance("short");
  EXPECT_FALSE(Deliver("a1", message).ok());
}

}  // namespace
}  // namespace sluice
