#include "controller/topology/topology_test_fabric.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

using State = PathView::State;
using TopologyTest = TopologyFabric;

TEST_F(TopologyTest, WithoutAPlanNothingIsChecked) {
  Topology none;
  EXPECT_EQ(none.PathOf({"a", "b"}).state, State::kGood);
  EXPECT_THAT(none.Findings(now_), IsEmpty());
}

TEST_F(TopologyTest, WhenAllIsWellLinksAreGood) {
  AllWell();
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kUnproved);
  EXPECT_THAT(Wire("a1:fab0").evidence, HasSubstr("claimed by LLDP"));
  EXPECT_EQ(Verdict("leaf1:up"), WireVerdict::kUnproved);
  EXPECT_THAT(topology_.Findings(now_), IsEmpty());
  for (const char* src : {"a1", "a2", "b1", "b2"}) {
    for (const char* dst : {"a1", "a2", "b1", "b2"}) {
      if (std::string(src) != dst) {
        EXPECT_EQ(StateOf(src, dst), State::kGood) << src << dst;
      }
    }
  }
}

TEST_F(TopologyTest, BeforeAnybodySpeaksLinksAreUnknown) {
  EnrolAll();
  EXPECT_EQ(StateOf("a1", "b1"), State::kUnknown);
  EXPECT_THAT(topology_.Findings(now_), IsEmpty());
}

TEST_F(TopologyTest, WhoHasJustBegunToLookAccusesNobody) {
  AllWell();
  for (const char* port : {"a1:fab0", "a1:fab1"}) {
    PortWiring young = Wiring(port, {});
    young.listening = absl::Milliseconds(100);
    Say(port, young);
  }
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);  // b1 proves it
  See("b1:fab1", {});
  PortWiring young = Wiring("a1:fab1", {});
  young.listening = absl::Milliseconds(200);
  Say("a1:fab1", young);
  EXPECT_THAT(Wire("a1:fab0").evidence, HasSubstr("just begun"));
  EXPECT_EQ(StateOf("a1", "a2"), State::kUnknown);
}

TEST_F(TopologyTest, AReplugUnderTheAgentsEyesIsNoBeginning) {
  AllWell();
  for (const char* port : {"a1:fab1", "b1:fab1"}) {
    PortWiring again = Wiring(port, {});
    again.listening = absl::Milliseconds(700);
    again.plugged = absl::Milliseconds(100);
    Say(port, again);
  }
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kMissing);
}

TEST_F(TopologyTest, TwoSwappedDirectCablesAreOneFinding) {
  AllWell();
  See("a1:fab1", {At("b2:fab1", true)});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnexpected);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad) << "at the first proof of it";
  Cut("a2:fab1");
  Cut("b2:fab1");
  See("b1:fab1", {At("a2:fab1", true)});
  EXPECT_THAT(Found(), ElementsAre("swapped")) << "though a2 and b2 have not seen it yet";
  See("b2:fab1", {At("a1:fab1", true)});
  See("a2:fab1", {At("b1:fab1", true)});
  See("b1:fab1", {At("a2:fab1", true)});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kSwapped);
  EXPECT_EQ(Verdict("a2:fab1"), WireVerdict::kSwapped);
  EXPECT_THAT(topology_.Findings(now_), ElementsAre(AllOf(Field(&Finding::verdict, "swapped"),
                                                          Field(&Finding::cables, SizeIs(2)))));
  EXPECT_EQ(StateOf("a2", "b2"), State::kBad);
  EXPECT_EQ(StateOf("a1", "b2"), State::kGood) << "not over these cables";
  for (const auto& [one, two] : {std::pair{"a1:fab1", "b1:fab1"}, {"a2:fab1", "b2:fab1"}}) {
    See(one, {At(two, true)});
    See(two, {At(one, true)});
  }
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
  EXPECT_THAT(topology_.Findings(now_), IsEmpty());
}

TEST_F(TopologyTest, TwoCablesSwappedAtSwitchesAreOneFinding) {
  AllWell();
  const std::vector<Neighbour> others = {At("a2:fab0", false)};
  See("a1:fab0", others, {Claim("leaf2:p1")});
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kUnexpected);
  See("b1:fab0", others, {Claim("leaf1:p1")});
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kSwapped);
  EXPECT_EQ(Verdict("b1:fab0"), WireVerdict::kSwapped);
  EXPECT_THAT(topology_.Findings(now_), SizeIs(1));
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
  EXPECT_EQ(StateOf("a2", "b2"), State::kGood);
}

TEST_F(TopologyTest, AWrongPortOfTheRightSwitch) {
  AllWell();
  See("a1:fab0", {At("a2:fab0", false)}, {Claim("leaf1:p9")});
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kWrongPort);
  EXPECT_THAT(Wire("a1:fab0").evidence, HasSubstr("leaf1:p9"));
}

TEST_F(TopologyTest, TwoBoxesThatClaimToBeThereAreUnexpected) {
  AllWell();
  See("a1:fab0", {At("a2:fab0", false)}, {Claim("leaf1:p1"), Claim("leaf9:p9")});
  EXPECT_EQ(Verdict("a1:fab0"), WireVerdict::kUnexpected);
  EXPECT_THAT(Wire("a1:fab0").evidence, AllOf(HasSubstr("leaf1:p1"), HasSubstr("leaf9:p9")));
}

TEST_F(TopologyTest, AClaimMakesNoProof) {
  AllWell();
  See("b1:fab1", {});
  See("a1:fab1", {}, {Claim("b1:fab1")});
  EXPECT_TRUE(IsBad(Verdict("a1:fab1")));
}

TEST_F(TopologyTest, ACableThatIsTooLong) {
  AllWell();
  See("a1:fab1", {At("b1:fab1", true, absl::Milliseconds(2))});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned) << "b1 has measured less";
  See("b1:fab1", {At("a1:fab1", true, absl::Microseconds(101))});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kTooFar);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
}

TEST_F(TopologyTest, AnUntimedProofOfACableWithACeilingIsNone) {
  AllWell();
  See("a1:fab1", {At("b1:fab1", true, std::nullopt)});
  See("b1:fab1", {At("a1:fab1", true, std::nullopt)});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnproved);
}

TEST_F(TopologyTest, ABridgeInADirectCable) {
  AllWell();
  See("a1:fab1", {At("b1:fab1", false)});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnexpected);
  EXPECT_THAT(Wire("a1:fab1").evidence, HasSubstr("stands between"));
}

TEST_F(TopologyTest, TheOneWhoIsInTheWrongFabricIsBlamed) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; b1 [enclosure=west]; b2 [enclosure=west];
    s1 [role=switch]; s2 [role=switch];
    a1:p -- s1:1; a2:p -- s1:2; b1:p -- s2:1; b2:p -- s2:2; })");
  EnrolAll();
  See("a1:p", {At("b1:p", false), At("b2:p", false)});
  See("a2:p", {});
  See("b1:p", {At("a1:p", false), At("b2:p", false)});
  See("b2:p", {At("a1:p", false), At("b1:p", false)});
  EXPECT_EQ(Verdict("a1:p"), WireVerdict::kUnexpected);
  EXPECT_EQ(Verdict("b1:p"), WireVerdict::kUnproved);
  EXPECT_EQ(StateOf("b1", "b2"), State::kGood);
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
}

TEST_F(TopologyTest, DelaysAreBlamedOnTheCableThatAllSlowOnesShare) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; b1 [enclosure=west];
    s1 [role=switch]; s2 [role=switch];
    edge [max_rtt="50us"];
    a1:p -- s1:1; a2:p -- s1:2; b1:p -- s2:1; s1:up -- s2:up; })");
  EnrolAll();
  const absl::Duration slow = absl::Milliseconds(2);
  See("a1:p", {At("a2:p", false), At("b1:p", false, slow)});
  See("a2:p", {At("a1:p", false), At("b1:p", false, slow)});
  EXPECT_EQ(Verdict("a1:p"), WireVerdict::kUnproved);
  EXPECT_EQ(Verdict("s1:up"), WireVerdict::kTooFar);
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
}

TEST_F(TopologyTest, UndeclaredNodesGetNothing) {
  AllWell();
  Enrol("rogue", "east");
  topology_.Observe("rogue", {InstanceOf("rogue"), true, {Wiring("rogue:fab0", {})}}, now_);
  EXPECT_EQ(StateOf("rogue", "a1"), State::kBad);
  EXPECT_EQ(StateOf("a1", "rogue"), State::kBad);
  EXPECT_THAT(topology_.Findings(now_), ElementsAre(Field(&Finding::verdict, "undeclared")));
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyTest, AnEnclosureThatThePlanDoesNotName) {
  AllWell();
  Enrol("a1", "west");
  EXPECT_THAT(Path("a1", "a2").why, AllOf(HasSubstr("east"), HasSubstr("west")));
}

TEST_F(TopologyTest, AnotherIdentityUnderTheNameIsAStranger) {
  AllWell();
  Neighbour old = At("b1:fab1", true);
  old.identity = IdentityOf("before");
  See("a1:fab1", {old});
  EXPECT_TRUE(IsBad(Verdict("a1:fab1")));
  EXPECT_THAT(Wire("a1:fab1").evidence, HasSubstr("another identity"));
}

TEST_F(TopologyTest, AnIdentityInTwoPlacesClosesItsNode) {
  AllWell();
  Neighbour clone = At("a1:fab0", false);
  clone.instance = InstanceOf("a1", 1);
  See("b2:fab0", {At("a1:fab0", false), clone}, {Claim("leaf2:p2")});
  Pass(absl::Milliseconds(250));
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood) << "an agent that starts anew looks so too";
  for (int i = 0; i < 8; ++i) Pass(absl::Milliseconds(200));
  EXPECT_EQ(StateOf("a1", "a2"), State::kBad);
  EXPECT_THAT(topology_.Findings(now_), ElementsAre(Field(&Finding::verdict, "cloned")));
  EXPECT_EQ(StateOf("a2", "b2"), State::kGood);
}

TEST_F(TopologyTest, APortThatThePlanDoesNotNameMayNotBeUsed) {
  AllWell();
  See("a1:fab7", {At("b2:fab9", true)});
  EXPECT_THAT(Path("a1", "a2").why, HasSubstr("a1:fab7"));
  See("a1:fab7", {});
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyTest, AlarmsAreTold) {
  AllWell();
  PortWiring wiring = Wiring("a1:fab1", {At("b1:fab1", true)});
  wiring.alarms = {{ProbeAlarm::Kind::kReplayed, {}, "an answer to an old question", 3}};
  Say("a1:fab1", wiring);
  EXPECT_THAT(topology_.Findings(now_), ElementsAre(AllOf(Field(&Finding::verdict, "replayed"),
                                                          Field(&Finding::closes, false))));
  EXPECT_EQ(StateOf("a1", "b1"), State::kGood);
}

TEST_F(TopologyTest, AWireThatComesAndGoesIsFlapping) {
  AllWell();
  for (int i = 0; i < 4; ++i) {
    PortWiring dead = Wiring("a1:fab1", {});
    dead.carrier = false;
    Say("a1:fab1", dead);
    Pass(absl::Seconds(1));
    See("a1:fab1", {At("b1:fab1", true)});
    Pass(absl::Seconds(1));
  }
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kFlapping);
  EXPECT_EQ(StateOf("a1", "b1"), State::kBad);
  Pass(absl::Seconds(5));
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
}

TEST_F(TopologyTest, ANodeThatIsGoneIsNotAccused) {
  AllWell();
  topology_.Disconnected("a1", now_);
  EXPECT_EQ(StateOf("a1", "b1"), State::kUnknown)
      << "b1 proves one way, and the other is not known";
  See("b1:fab1", {});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnproved);
  EXPECT_EQ(StateOf("a1", "b2"), State::kUnknown);
  EXPECT_EQ(StateOf("a2", "b2"), State::kGood);
}

TEST_F(TopologyTest, AMutedNodesWordsCountAgainWhenItSpeaks) {
  AllWell();
  topology_.SetMuted("a1", true, now_);
  topology_.SetMuted("b1", true, now_);
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnproved);
  EXPECT_EQ(StateOf("a1", "b1"), State::kUnknown);
  topology_.SetMuted("a1", false, now_);
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
}

TEST_F(TopologyTest, ASideThatIsLostWholeIsBehindACutCable) {
  AllWell();
  for (const char* node : {"b1", "b2"}) topology_.SetMuted(node, true, now_);
  EXPECT_EQ(Verdict("leaf1:up"), WireVerdict::kUnproved) << "a1 and a2 still have proofs";
  See("a1:fab0", {At("a2:fab0", false)}, {Claim("leaf1:p1")});
  See("a2:fab0", {At("a1:fab0", false)}, {Claim("leaf1:p2")});
  EXPECT_EQ(Verdict("leaf1:up"), WireVerdict::kMissing);
  EXPECT_EQ(StateOf("a1", "b2"), State::kBad);
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyTest, AlarmsOfPortsThatAreGoneAreGone) {
  AllWell();
  PortWiring wiring = Wiring("a1:fab9", {});
  wiring.alarms = {{ProbeAlarm::Kind::kForged, {}, "nonsense", 1}};
  Say("a1:fab9", wiring);
  EXPECT_THAT(topology_.Findings(now_), SizeIs(1));
  topology_.Observe("a1", {InstanceOf("a1"), true, {}}, now_);
  for (const Finding& finding : topology_.Findings(now_)) EXPECT_NE(finding.verdict, "forged");
}

TEST_F(TopologyTest, AnUntimedProofOverASwitchIsNoneWhereThereIsACeiling) {
  Plan(R"(graph f {
    a1 [enclosure=east]; a2 [enclosure=east]; s1 [role=switch];
    edge [max_rtt="50us"]; a1:p -- s1:1; a2:p -- s1:2; })");
  EnrolAll();
  See("a1:p", {At("a2:p", false, std::nullopt)});
  See("a2:p", {At("a1:p", false, std::nullopt)});
  EXPECT_EQ(StateOf("a1", "a2"), State::kUnknown);
  See("a1:p", {At("a2:p", false)});
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyTest, SomebodyElseOnADirectCableIsUnexpectedEvenBesideTheRightOne) {
  AllWell();
  See("a1:fab1", {At("b1:fab1", true), At("b2:fab7", false)});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnexpected);
}

TEST_F(TopologyTest, ACableIsNotMissingWhileItsOtherEndHasJustBegun) {
  AllWell();
  PortWiring young = Wiring("a1:fab1", {});
  young.listening = absl::Milliseconds(200);
  Say("a1:fab1", young);
  See("b1:fab1", {});
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kUnproved);
}

TEST_F(TopologyTest, ACopyOfAnIdentityThatWasGivenUpIsNoClone) {
  AllWell();
  Neighbour old = At("a1:fab0", false);
  old.identity = IdentityOf("before");
  old.instance = InstanceOf("a1", 1);
  See("b2:fab0", {At("a1:fab0", false), old}, {Claim("leaf2:p2")});
  for (int i = 0; i < 10; ++i) Pass(absl::Milliseconds(200));
  EXPECT_EQ(StateOf("a1", "a2"), State::kGood);
}

TEST_F(TopologyTest, SaysWhoseLinksToLookAt) {
  AllWell();
  See("a1:fab1", {});
  EXPECT_THAT(topology_.TakeChanged(), UnorderedElementsAre("a1", "b1"));
  See("a1:fab1", {});
  EXPECT_THAT(topology_.TakeChanged(), IsEmpty());
}

TEST_F(TopologyTest, APlanCanComeLater) {
  topology_.SetPlan(std::nullopt, now_);
  AllWell();
  EXPECT_EQ(StateOf("rogue", "a1"), State::kGood);
  Plan(kFabricPlan);
  EXPECT_EQ(Verdict("a1:fab1"), WireVerdict::kAsPlanned);
  EXPECT_EQ(StateOf("a1", "b2"), State::kGood);
  EXPECT_EQ(StateOf("rogue", "a1"), State::kBad);
}

}  // namespace
}  // namespace sluice
