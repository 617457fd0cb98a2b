// Which ways a link may take, and what bars it.
#include "controller/topology/topology_test_fabric.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = PathView::State;
using TopologyPathsTest = TopologyFabric;

TEST_F(TopologyPathsTest, ABridgeBeforeASwitchThatSpeaks) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; leaf1 [role=switch, lldp=yes];
    a1:fab0 -- leaf1:p1; a2:fab0 -- leaf1:p2; })");
  EnrolAll();
  See("a1:fab0", {At("a2:fab0", false)}, {Claim("leaf1:p1")});
  See("a2:fab0", {At("a1:fab0", false)}, {Claim("leaf1:p2")});
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
  PortWiring again = Wiring("a1:fab0", {At("a2:fab0", false)});
  again.plugged = absl::Milliseconds(300);
  Say("a1:fab0", again);
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kUnproved) << "the switch has a moment to speak";
  EXPECT_EQ(StateOf("a1", "a2"), State::kUnknown);
  again.plugged = absl::Milliseconds(1100);
  Say("a1:fab0", again);
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kUnexpected);
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
}

TEST_F(TopologyPathsTest, TheCableBetweenTwoSwitchesIsJudgedByWhatPasses) {
  AllWell();
  const auto see = [&](const std::string& port, const std::string& mate, const char* leaf) {
    See(port, {At(mate, false)}, {Claim(leaf)});
  };
  see("a1:fab0", "a2:fab0", "leaf1:p1");
  see("a2:fab0", "a1:fab0", "leaf1:p2");
  see("b1:fab0", "b2:fab0", "leaf2:p1");
  EXPECT_EQ(Verdict("leaf1:up"), WireVerdict::kUnproved);
  see("b2:fab0", "b1:fab0", "leaf2:p2");
  EXPECT_EQ(Verdict("leaf1:up"), WireVerdict::kMissing);
  EXPECT_EQ(StateOf("a1", "b2"), State::kBad);
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad)
      << "they have a cable of their own, but no probe is no proof that no packet passes";
}

TEST_F(TopologyPathsTest, ACutCableIsMissingAndTheOtherRailCarries) {
  AllWell();
  Cut("a1:fab1");
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing);
  EXPECT_THAT(Wire("a1:fab1").evidence, HasSubstr("no carrier"));
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood) << "there is a way through the leaves";
  Cut("a1:fab0");
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
  EXPECT_EQ(StateOf("a2", "b1"), State::kGood);
}

// Something that lets packets and LLDP pass, and no probe.
TEST_F(TopologyPathsTest, AWayThatNoProbePassesBarsTheLinkWhateverElseIsProved) {
  AllWell();
  See("a1:fab0", {}, {Claim("leaf1:p1")});
  for (const char* port : {"a2:fab0", "b1:fab0", "b2:fab0"}) {
    std::vector<Neighbour> others;
    for (const char* other : {"a2:fab0", "b1:fab0", "b2:fab0"})
      if (std::string(other) != port) others.push_back(At(other, false));
    See(port, others,
        {Claim(port == std::string("a2:fab0")   ? "leaf1:p2"
               : port == std::string("b1:fab0") ? "leaf2:p1"
                                                : "leaf2:p2")});
  }
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kMissing);
  EXPECT_THAT(Wire("a1:fab0").evidence, HasSubstr("something may stand between"));
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
  EXPECT_EQ(StateOf("a2", "b2"), State::kGood);
  Cut("a1:fab0");
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood) << "nothing passes where there is no carrier";
}

TEST_F(TopologyPathsTest, ADirectCableThatNoProbePassesBarsTheLinkToo) {
  AllWell();
  See("a1:fab1", {});
  See("b1:fab1", {});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
  EXPECT_EQ(StateOf("a1", "b2"), State::kGood);
}

TEST_F(TopologyPathsTest, ADelayBetweenTheSwitchesBarsALinkWithACableOfItsOwn) {
  Plan(R"(graph f {
    a1 [enclosure=east]; b1 [enclosure=west]; s1 [role=switch]; s2 [role=switch];
    edge [max_rtt="50us"];
    a1:p -- s1:1; b1:p -- s2:1; s1:up -- s2:up; a1:q -- b1:q; })");
  EnrolAll();
  See("a1:q", {At("b1:q", true)});
  See("b1:q", {At("a1:q", true)});
  See("a1:p", {At("b1:p", false)});
  See("b1:p", {At("a1:p", false)});
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
  See("a1:p", {At("b1:p", false, absl::Milliseconds(2))});
  See("b1:p", {At("a1:p", false, absl::Milliseconds(2))});
  EXPECT_EQ(Verdict("s1:up"), WireVerdict::kTooFar);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
}

TEST_F(TopologyPathsTest, BeforeTheSwitchHasSpokenNothingIsKnown) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; leaf1 [role=switch, lldp=yes];
    a1:fab0 -- leaf1:p1; a2:fab0 -- leaf1:p2; })");
  EnrolAll();
  See("a2:fab0", {At("a1:fab0", false)}, {Claim("leaf1:p2")});
  See("a1:fab0", {At("a2:fab0", false)});
  EXPECT_EQ(StateOf("a1", "a2"), State::kUnknown);
  EXPECT_THAT(Found(), IsEmpty());
  PortWiring late = Wiring("a1:fab0", {At("a2:fab0", false)});
  late.listening = absl::Seconds(31);
  Say("a1:fab0", late);
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
}

TEST_F(TopologyPathsTest, APortThatTheNodeDoesNotHaveIsMissing) {
  AllWell();
  topology_.Observe(
      "a1",
      {InstanceOf("a1"),
       true,
       {Wiring("a1:fab0", {At("a2:fab0", false), At("b1:fab0", false)}, {Claim("leaf1:p1")})}},
      now_);
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing);
  EXPECT_THAT(Wire("a1:fab1").evidence, HasSubstr("--fabric-port"));
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad) << "nobody watches what it carries";
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
  Plan(kFabricPlan);
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing) << "under another plan too";
  AllWell();
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
}

TEST_F(TopologyPathsTest, APortThatNeitherNodeHasIsMissingToo) {
  AllWell();
  for (const auto& [node, leaf] : {std::pair{"a1", "leaf1:p1"}, {"b1", "leaf2:p1"}}) {
    const std::string port = StrCat(node, ":fab0");
    const std::string other = node == std::string("a1") ? "b1:fab0" : "a1:fab0";
    topology_.Observe(
        node, {InstanceOf(node), true, {Wiring(port, {At(other, false)}, {Claim(leaf)})}}, now_);
  }
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
}

TEST_F(TopologyPathsTest, ACableThatIsPluggedInAgainTakesNothingFromALinkThatHasAnotherWay) {
  AllWell();
  Cut("a1:fab1");
  Cut("b1:fab1");
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
  for (const absl::Duration since : {absl::ZeroDuration(), absl::Milliseconds(1600)}) {
    for (const char* port : {"a1:fab1", "b1:fab1"}) {
      PortWiring again = Wiring(port, {});
      again.plugged = since;
      Say(port, again);
    }
    EXPECT_EQ(StateOf("a1", "b1"), since < kSettled ? State::kUnknown : State::kBad);
  }
  See("a1:fab1", {At("b1:fab1", true)});
  See("b1:fab1", {At("a1:fab1", true)});
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
  // Without another way nothing holds it.
  See("a2:fab0", {At("b1:fab0", false)}, {Claim("leaf1:p2")});
  Cut("a1:fab0");
  PortWiring again = Wiring("a1:fab0", {}, {Claim("leaf1:p1")});
  again.plugged = absl::ZeroDuration();
  Say("a1:fab0", again);
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
}

TEST_F(TopologyPathsTest, AWayWithoutCarrierIsLeftOutWhateverIsBeyondItsOwnCable) {
  Plan(R"(graph f {
    a1 [enclosure=east]; b1 [enclosure=west]; s1 [role=switch]; s2 [role=switch];
    a2 [enclosure=east]; b2 [enclosure=west]; edge [max_rtt="50us"];
    a1:p -- s1:1; a2:p -- s1:2; b1:p -- s2:1; b2:p -- s2:2; s1:up -- s2:up; a1:q -- b1:q; })");
  EnrolAll();
  See("a1:q", {At("b1:q", true)});
  See("b1:q", {At("a1:q", true)});
  See("b2:p", {At("b1:p", false)});
  See("b1:p", {At("b2:p", false), At("a2:p", false, absl::Milliseconds(2))});
  See("a2:p", {At("b1:p", false, absl::Milliseconds(2)), At("a1:p", false)});
  EXPECT_EQ(Verdict("s1:up"), WireVerdict::kTooFar);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
  Cut("a1:p");
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
}

// Others learn of it one after the other, each of which sees both for a while.
TEST_F(TopologyPathsTest, InACrowdAnAgentThatBeganAnewIsNoClone) {
  constexpr int kNodes = 100;
  std::string plan = "graph f { node [enclosure=east]; s [role=switch];";
  for (int i = 0; i < kNodes; ++i) plan += StrCat("n", i, "; n", i, ":p -- s:\"", i, "\"; ");
  Plan(plan + "}");
  const auto name = [](int i) { return StrCat("n", i); };
  const auto see = [&](int observer, std::vector<uint8_t> lives) {
    std::vector<Neighbour> others;
    for (int i = 1; i < kNodes; ++i)
      if (i != observer) others.push_back(At(name(i) + ":p", false));
    for (const uint8_t life : lives) {
      others.push_back(At("n0:p", false));
      others.back().instance = InstanceOf("n0", life);
    }
    See(name(observer) + ":p", others);
  };
  for (int i = 0; i < kNodes; ++i) Enrol(name(i), "east");
  for (int i = 1; i < kNodes; ++i) see(i, {0});
  topology_.Observe("n0", {InstanceOf("n0", 1), true, {Wiring("n0:p", {})}}, now_);
  for (int i = 1; i < kNodes; ++i) {
    see(i, {0, 1});
    if (i > 35) see(i - 35, {1});
    Pass(absl::Milliseconds(20));
    EXPECT_THAT(Found(), testing::Not(Contains("cloned"))) << i;
  }
  for (int i = 1; i < kNodes; ++i) see(i, {1});
  Pass(absl::Milliseconds(200));
  // One that is there for good is one.
  see(1, {0, 1});
  for (int i = 0; i < 10; ++i) Pass(absl::Milliseconds(200));
  EXPECT_THAT(Found(), Contains("cloned"));
}

TEST_F(TopologyPathsTest, BehindASilentSwitchNobodyIsMissedWhoIsNotConnected) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; s1 [role=switch];
    a1:p -- s1:1; a2:p -- s1:2; })");
  EnrolAll();
  See("a1:p", {At("a2:p", false)});
  See("a2:p", {At("a1:p", false)});
  topology_.Disconnected("a2", now_);
  See("a1:p", {});
  EXPECT_EQ(Verdict("a1:p"), WireVerdict::kUnproved);
  See("a2:p", {});
  See("a1:p", {});
  EXPECT_EQ(Verdict("a1:p"), WireVerdict::kMissing);
}

TEST_F(TopologyPathsTest, ANeighboursOwnLldpDoesNotAccuseItWhenItsAgentIsAway) {
  AllWell();
  topology_.Disconnected("b1", now_);
  See("a1:fab1", {}, {Claim("b1:fab1")});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnproved);
  See("a1:fab1", {}, {Claim("b2:fab1")});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnexpected);
}

TEST_F(TopologyPathsTest, ANodesTwoPlanesSwappedAreOneFinding) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; b1 [enclosure=west];
    s1 [role=switch, lldp=yes]; s2 [role=switch, lldp=yes];
    a1:p -- s1:1; a2:p -- s1:2; b1:p -- s1:3; a1:q -- s2:1; a2:q -- s2:2; b1:q -- s2:3; })");
  EnrolAll();
  See("a2:p", {At("b1:p", false), At("a1:q", false)}, {Claim("s1:2")});
  See("b1:p", {At("a2:p", false), At("a1:q", false)}, {Claim("s1:3")});
  See("a2:q", {At("b1:q", false), At("a1:p", false)}, {Claim("s2:2")});
  See("b1:q", {At("a2:q", false), At("a1:p", false)}, {Claim("s2:3")});
  See("a1:p", {At("a2:q", false), At("b1:q", false)}, {Claim("s2:1")});
  See("a1:q", {At("a2:p", false), At("b1:p", false)}, {Claim("s1:1")});
  EXPECT_THAT(Found(), ElementsAre("swapped"));
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
  EXPECT_EQ(StateOf("a2", "b1"), State::kGood);
}

TEST_F(TopologyPathsTest, ADirectCableSwappedWithOneToASwitchIsOneFinding) {
  AllWell();
  See("a1:fab0", {At("b1:fab1", true)});
  See("b1:fab1", {At("a1:fab0", true)});
  See("a1:fab1", {At("a2:fab0", false), At("b1:fab0", false)}, {Claim("leaf1:p1")});
  EXPECT_THAT(Found(), ElementsAre("swapped"));
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
}

TEST_F(TopologyPathsTest, SwitchesSayTheirNameWithADomainOrWithout) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; Leaf_1 [role=switch]; "l2.dc.example" [role=switch];
    a1:p -- Leaf_1:"Eth1/1"; a2:p -- Leaf_1:"Eth1/2";
    a1:q -- "l2.dc.example":"1"; a2:q -- "l2.dc.example":"2"; })");
  EnrolAll();
  const auto claim = [](const char* system, const char* port) {
    return LldpClaim{system, "", port, ""};
  };
  See("a1:p", {At("a2:p", false)}, {claim("Leaf_1.dc.example", "Eth1/1")});
  See("a1:q", {At("a2:q", false)}, {claim("l2.dc.example", "1")});
  See("a2:q", {At("a1:q", false)}, {claim("l2.dc.example", "1")});
  EXPECT_THAT(Wire("a1:p").evidence, HasSubstr("claimed by LLDP"));
  EXPECT_THAT(Wire("a1:q").evidence, HasSubstr("claimed by LLDP"));
  EXPECT_EQ(Verdict("a2:q"), WireVerdict::kWrongPort);
}

TEST_F(TopologyPathsTest, WhoHasNoPlaceInThePlanAccusesNobody) {
  AllWell();
  Enrol("rogue", "east");
  Neighbour clone = At("a1:fab0", false);
  clone.instance = InstanceOf("a1", 1);
  topology_.Observe("rogue", {InstanceOf("rogue"), true, {Wiring("rogue:fab0", {clone})}}, now_);
  for (int i = 0; i < 10; ++i) Pass(absl::Milliseconds(200));
  EXPECT_THAT(Found(), ElementsAre("undeclared"));
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyPathsTest, ACopyThatBeginsAnewAllTheTimeIsOneAllTheSame) {
  AllWell();
  for (uint8_t life = 1; life < 12; ++life) {
    const ProbeInstance copy = InstanceOf("a1", life);
    Neighbour clone = At("a1:fab0", false);
    clone.instance = copy;
    See("b2:fab0", {At("a1:fab0", false), clone}, {Claim("leaf2:p2")});
    topology_.Observe("a1", {copy, false, {}}, now_);
    for (int i = 0; i < 3; ++i) Pass(absl::Milliseconds(200));
    if (life > 3) {
      EXPECT_EQ(StateOf("a1", "a2"), State::kBad) << int{life};
    }
  }
}

TEST_F(TopologyPathsTest, ANodeThatBeganAnewIsNotItsOwnClone) {
  AllWell();
  Neighbour newer = At("a1:fab0", false);
  newer.instance = InstanceOf("a1", 1);
  See("b2:fab0", {newer}, {Claim("leaf2:p2")});
  Pass(absl::Milliseconds(400));
  topology_.Disconnected("a1", now_);
  topology_.Observe(
      "a1", {InstanceOf("a1", 1), true, {Wiring("a1:fab0", {}), Wiring("a1:fab1", {})}}, now_);
  for (int i = 0; i < 10; ++i) Pass(absl::Milliseconds(200));
  EXPECT_THAT(Found(), testing::Not(Contains("cloned")));
}

TEST_F(TopologyPathsTest, SaysWhoseLinksToLookAtWhenNobodyIsNewAnyMore) {
  EnrolAll();
  // With its claim the wire's verdict is the same before and after.
  PortWiring young = Wiring("a1:fab0", {}, {Claim("leaf1:p1")});
  young.listening = absl::Milliseconds(100);
  Say("a1:fab0", young);
  topology_.TakeChanged();
  EXPECT_EQ(StateOf("a1", "a2"), State::kUnknown);
  See("a1:fab0", {}, {Claim("leaf1:p1")});
  EXPECT_THAT(topology_.TakeChanged(), Contains("a1"));
}

TEST_F(TopologyPathsTest, APartOfAReportEndsTheSilenceOfAllItsPorts) {
  AllWell();
  topology_.SetMuted("a1", true, now_);
  See("a1:fab1", {At("b1:fab1", true)});
  EXPECT_THAT(Wire("a1:fab0").evidence, HasSubstr("claimed by LLDP"));
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

}  // namespace
}  // namespace sluice
