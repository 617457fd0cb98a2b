#include "agent/probe/probe_fabric.h"
#include "base/strings.h"

namespace sluice {
namespace {

using ::testing::IsEmpty;
using ::testing::Not;

using Kind = ProbeAlarm::Kind;

TEST_F(ProberTest, BothEndsOfACableProveThemselves) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
  EXPECT_THAT(B(), Sees("a1", "fab0", true));
  EXPECT_TRUE(A().carrier);
  EXPECT_THAT(A().alarms, IsEmpty());
  EXPECT_THAT(A("fab1").neighbours, IsEmpty());
  EXPECT_EQ(A().neighbours.front().identity, Ed25519PublicKey(ProbeFabric::Seed(2)));
}

TEST_F(ProberTest, TheRoundTripIsThatOfTheWire) {
  Cable(absl::Microseconds(400));
  fabric_.Run(absl::Seconds(2));
  ASSERT_THAT(A(), Sees("b1", "fab0", true));
  const auto rtt = A().neighbours.front().rtt;
  ASSERT_TRUE(rtt);
  EXPECT_EQ(*rtt, absl::Microseconds(800)) << "without what the other one kept it for";
}

TEST_F(ProberTest, AcrossABridgeNobodyIsNearest) {
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, true);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A(), Sees("b1", "fab0", false));
  EXPECT_THAT(A(), Not(Sees("b1", "fab0", true)));
}

TEST_F(ProberTest, ACutIsNoticedWithinASecondAndABit) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  fabric_.Device(a_, "fab0")->wire = nullptr;
  fabric_.Device(b_, "fab0")->wire = nullptr;
  fabric_.Run(absl::Milliseconds(1200));
  EXPECT_THAT(A().neighbours, IsEmpty());
  Cable();
  fabric_.Run(absl::Milliseconds(300));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
}

TEST_F(ProberTest, WithoutCarrierAllIsForgottenAtOnce) {
  Cable();
  fabric_.Run(absl::Seconds(2));
  fabric_.Device(a_, "fab0")->carrier = false;
  fabric_.Run(absl::Milliseconds(150));
  EXPECT_FALSE(A().carrier);
  EXPECT_THAT(A().neighbours, IsEmpty());
  fabric_.Device(a_, "fab0")->carrier = true;
  fabric_.Run(absl::Milliseconds(300));
  EXPECT_TRUE(A().plugged);
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
}

TEST_F(ProberTest, ADeviceThatComesBackIsOpenedAgain) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  fabric_.Device(a_, "fab0")->present = false;
  fabric_.Run(absl::Milliseconds(300));
  EXPECT_FALSE(A().carrier);
  fabric_.Device(a_, "fab0")->present = true;
  fabric_.Run(absl::Milliseconds(600));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
}

TEST_F(ProberTest, AStallOfOurOwnIsNotTheNeighboursSilence) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  fabric_.paused = {"a1"};
  fabric_.Run(absl::Seconds(3));
  fabric_.paused.clear();
  fabric_.Run(absl::Milliseconds(5));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
}

TEST_F(ProberTest, WhoIsNotVouchedForProvesNothing) {
  ProbeFabric::Box& rogue = fabric_.Add("c1", {"fab0"}, 3, /*vouched=*/false);
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(rogue, "fab0")}, false);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A().neighbours, IsEmpty());
  EXPECT_THAT(A(), Alarms(Kind::kForged));
}

TEST_F(ProberTest, AnotherFleetsNodeProvesNothing) {
  ProbeFabric::Box& other = fabric_.Add("c1", {"fab0"}, 3, true, "elsewhere");
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(other, "fab0")}, false);
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A().neighbours, IsEmpty());
}

TEST_F(ProberTest, AnIdentityThatWasCopiedIsNoticedByAll) {
  ProbeFabric::Box& clone = fabric_.Add("b1", {"fab3"}, 2);
  fabric_.Join(
      {fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0"), fabric_.Device(clone, "fab3")},
      true);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A(), Alarms(Kind::kCloned));
  EXPECT_THAT(B(), Alarms(Kind::kCloned)) << "it hears of itself";
}

TEST_F(ProberTest, AnAgentThatBeginsAnewIsNoClone) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  fabric_.paused = {"b1"};
  ProbeFabric::Box& again = fabric_.Add("b1 again", {"fab0"}, 2);
  (void)again;
  ProbeFabric::Box& next = fabric_.Add("b1", {"fab0"}, 2);
  next.name = "new b1";
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(next, "fab0")}, false);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
  EXPECT_THAT(A(), Not(Alarms(Kind::kCloned)));
}

TEST_F(ProberTest, WhatWasCapturedProvesNothingLater) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  const auto captured = fabric_.captured;
  fabric_.Device(a_, "fab0")->wire = nullptr;
  fabric_.Device(b_, "fab0")->wire = nullptr;
  fabric_.Run(absl::Milliseconds(1500));
  ASSERT_THAT(A().neighbours, IsEmpty());
  for (const auto& [type, frame] : captured) {
    ReceivedFrame again = frame;
    again.at = fabric_.clock.Now();
    fabric_.Device(a_, "fab0")->waiting[type].push_back(again);
  }
  fabric_.Run(absl::Milliseconds(300));
  EXPECT_THAT(A().neighbours, IsEmpty());
  EXPECT_THAT(A(), Alarms(Kind::kReplayed));
}

TEST_F(ProberTest, AnAnswerThatIsHeardOnAnotherPortProvesNothing) {
  Cable();
  fabric_.Run(absl::Milliseconds(500));
  // Everything that comes to fab0 is carried to fab1 too.
  const auto device = fabric_.Device(b_, "fab0");
  const auto wire = device->wire;
  device->wire = [&](uint16_t type, const ReceivedFrame& frame) {
    wire(type, frame);
    ReceivedFrame copy = frame;
    copy.at = fabric_.clock.Now();
    fabric_.Device(a_, "fab1")->waiting[type].push_back(copy);
  };
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A("fab1").neighbours, IsEmpty());
  EXPECT_THAT(A("fab1"), Alarms(Kind::kMisplaced));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
}

// A box in the cable that answers for b1 at once, to seem nearer, and carries the rest.
TEST_F(ProberTest, WhoAnswersForAnotherIsNotCovered) {
  const auto to_a = fabric_.Device(a_, "fab0");
  Cable(absl::Milliseconds(2));
  const auto wire = to_a->wire;
  to_a->wire = [&](uint16_t type, const ReceivedFrame& frame) {
    wire(type, frame);
    const auto probe = DecodeProbe(frame.payload);
    if (!probe.ok() || !probe->has_question()) return;
    probe::v1::Frame quick;
    quick.mutable_answer()->set_nonce(probe->question().nonce());
    quick.mutable_answer()->set_answer(std::string(16, 'x'));
    ReceivedFrame answer = frame;
    answer.payload = EncodeProbe(quick);
    answer.at = fabric_.clock.Now() + absl::Microseconds(1);
    to_a->waiting[type].push_back(answer);
  };
  fabric_.Run(absl::Seconds(2));
  ASSERT_THAT(A(), Sees("b1", "fab0", true));
  EXPECT_GE(A().neighbours.front().rtt.value(), absl::Milliseconds(4));
}

TEST_F(ProberTest, APeerIsAskedForByName) {
  fabric_.SetTargets(a_, 1, {"b1"});
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, true);
  fabric_.Run(absl::Milliseconds(500));
  EXPECT_THAT(A(), Sees("b1", "fab0", false));
  // Cut: gone in about a second, not in several long intervals.
  fabric_.Device(b_, "fab0")->wire = nullptr;
  fabric_.Run(absl::Milliseconds(2100));
  EXPECT_THAT(A().neighbours, IsEmpty());
}

// The wire of this fabric has a delay and no end of capacity: what is proved is what came through
// in that time, and never more.
TEST_F(ProberTest, MeasuresWhatACableCarriesAtLeast) {
  Cable(absl::Milliseconds(1));
  fabric_.Run(absl::Seconds(1));
  const BitRate speed{100'000'000};
  a_.prober->Measure("fab0", speed);
  fabric_.Run(absl::Milliseconds(1500));
  ASSERT_TRUE(A().capacity);
  EXPECT_EQ(A().capacity->to, (PortName{"b1", "fab0"}));
  EXPECT_EQ(A().capacity->number, 1u);
  EXPECT_LE(A().capacity->rate.bps, speed.bps);
  EXPECT_GT(A().capacity->rate.bps, speed.bps / 4);
  // Of another cable nothing is known.
  fabric_.Device(a_, "fab0")->carrier = false;
  fabric_.Run(absl::Milliseconds(200));
  EXPECT_FALSE(A().capacity);
}

TEST_F(ProberTest, AMeasurementWithoutANeighbourProvesNothing) {
  a_.prober->Measure("fab0", BitRate{1'000'000});
  fabric_.Run(absl::Seconds(2));
  EXPECT_FALSE(A().capacity);
}

TEST_F(ProberTest, ASteadyWireIsSilentInReports) {
  Cable();
  fabric_.Run(absl::Seconds(45), absl::Milliseconds(10));
  int reports = 0;
  const BootTime end = fabric_.clock.Now() + absl::Seconds(4);
  while (fabric_.clock.Now() < end) {
    a_.said.clear();
    fabric_.Run(absl::Milliseconds(100), absl::Milliseconds(10));
    if (!a_.said.empty()) ++reports;
  }
  EXPECT_LE(reports, 1);
}

// A way without carrier may be left out, so nobody may say so who only cannot look.
TEST_F(ProberTest, APortThatCannotBeLookedAtIsNotSaidToHaveNoCarrier) {
  Cable();
  fabric_.Run(absl::Seconds(2));
  a_.packets->refuse = absl::ResourceExhaustedError("no more sockets");
  fabric_.Device(a_, "fab0")->present = false;
  fabric_.Run(absl::Seconds(1));
  EXPECT_TRUE(A().carrier);
  EXPECT_TRUE(A().neighbours.empty());
  a_.packets->refuse = absl::OkStatus();
  fabric_.Run(absl::Seconds(1));
  EXPECT_FALSE(A().carrier) << "there is no such device";
}

// How long it has been plugged in makes a difference to what is not heard.
TEST_F(ProberTest, APortThatWasPluggedInSaysHowTheTimePasses) {
  Cable();
  fabric_.Run(absl::Seconds(45), absl::Milliseconds(10));
  fabric_.Device(a_, "fab0")->carrier = false;
  fabric_.Run(absl::Milliseconds(200));
  fabric_.Device(a_, "fab0")->carrier = true;
  fabric_.Run(absl::Milliseconds(300));
  for (int i = 0; i < 4; ++i) {
    a_.said.clear();
    fabric_.Run(absl::Milliseconds(700));
    ASSERT_TRUE(A().plugged);
    EXPECT_GT(*A().plugged, i * absl::Milliseconds(600));
  }
}

// What it costs to find that nothing has changed does not depend on how often it runs; what has
// come is told in the same moment.
TEST_F(ProberTest, ReportsAreMadeWhenThereIsWhatToTell) {
  Cable();
  fabric_.Run(absl::Seconds(2));
  const uint64_t before = a_.prober->looks();
  fabric_.Run(absl::Seconds(2));
  EXPECT_LE(a_.prober->looks() - before, 2000u / 50 + 5);
  fabric_.Run(absl::Milliseconds(60));
  while (a_.prober->Run()) fabric_.clock.Advance(absl::Milliseconds(60));
  fabric_.Device(a_, "fab0")
      ->waiting[kProbeEtherType]
      .push_back({{2, 0, 0, 0, 0, 9}, kFabricGroup, "nonsense", fabric_.clock.Now(), true});
  const auto report = a_.prober->Run();
  ASSERT_TRUE(report);
  EXPECT_THAT(report->ports.front(), Alarms(Kind::kForged));
}

// A neighbour may answer any question first: they have phases of their own, and can get lost.
class ComingBackTest : public ProberTest {
 protected:
  // A cable that takes what asks for the nearest only after a while.
  void CableWithLateNearest(absl::Duration late) {
    Cable();
    const auto device = fabric_.Device(a_, "fab0");
    device->wire = [this, wire = device->wire, from = fabric_.clock.Now() + late](
                       uint16_t type, const ReceivedFrame& frame) {
      if (frame.destination != kNearestGroup || fabric_.clock.Now() >= from) wire(type, frame);
    };
  }
  // What a1 says all the time.
  void RunAndLook(absl::Duration time) {
    for (const BootTime end = fabric_.clock.Now() + time; fabric_.clock.Now() < end;) {
      fabric_.Run(absl::Milliseconds(1));
      if (!testing::Matches(Sees("b1", "fab0", false))(A())) continue;
      ASSERT_THAT(A(), Sees("b1", "fab0", true));
    }
  }
};

TEST_F(ComingBackTest, AnAgentIsNeverSeenThroughSomethingThatIsNotThere) {
  fabric_.SetTargets(a_, 1, {"b1"});
  for (int i = 0; i < 12; ++i) {
    CableWithLateNearest(absl::Milliseconds(150));
    ASSERT_NO_FATAL_FAILURE(RunAndLook(absl::Milliseconds(500 + 13 * i)));
    ASSERT_THAT(A(), Sees("b1", "fab0", true));
    fabric_.paused = {"b1"};
    fabric_.Run(absl::Milliseconds(1500));
    ASSERT_THAT(A().neighbours, IsEmpty());
    fabric_.paused.clear();
    fabric_.Device(b_, "fab0")->waiting.clear();
  }
}

TEST_F(ComingBackTest, NorIsACableThatLostManyFrames) {
  fabric_.SetTargets(a_, 1, {"b1"});
  for (int i = 0; i < 12; ++i) {
    CableWithLateNearest(absl::Milliseconds(150));
    ASSERT_NO_FATAL_FAILURE(RunAndLook(absl::Milliseconds(500 + 13 * i)));
    ASSERT_THAT(A(), Sees("b1", "fab0", true));
    fabric_.Device(b_, "fab0")->wire = nullptr;
    // About as long as its proofs stand.
    ASSERT_NO_FATAL_FAILURE(RunAndLook(absl::Milliseconds(950 + 17 * i)));
  }
}

TEST_F(ComingBackTest, WhatIsReallyBetweenIsSeenSoon) {
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, true);
  fabric_.Run(absl::Milliseconds(500));
  EXPECT_THAT(A(), Sees("b1", "fab0", false));
}

// One node, or two boxes under its name, at several addresses of a segment; after the first
// second nobody asks for whoever hears it.
class SegmentTest : public ProberTest {
 protected:
  void JoinAndRun(std::vector<std::shared_ptr<FakeDevice>> devices) {
    const auto own = fabric_.Device(a_, "fab0");
    devices.push_back(own);
    fabric_.Join(devices, true);
    fabric_.SetTargets(a_, 1, {"b1"});
    fabric_.Run(absl::Seconds(1));
    own->wire = [this, wire = own->wire](uint16_t type, const ReceivedFrame& frame) {
      const auto probe = DecodeProbe(frame.payload);
      if (probe.ok() && probe->has_question()) {
        if (probe->question().target().empty()) return;
        to_[frame.destination]++;
      }
      wire(type, frame);
    };
    fabric_.Run(absl::Seconds(3));
  }
  std::map<MacAddress, int> to_;  // questions by name
};

TEST_F(SegmentTest, EveryPortOfATargetIsAsked) {
  ProbeFabric::Box& two = fabric_.Add("b1", {"fab0", "fab1"}, 2);
  JoinAndRun({fabric_.Device(two, "fab0"), fabric_.Device(two, "fab1")});
  EXPECT_THAT(A(), Sees("b1", "fab0", false));
  EXPECT_THAT(A(), Sees("b1", "fab1", false));
  EXPECT_GE(to_[fabric_.Device(two, "fab0")->address], 14);
  EXPECT_GE(to_[fabric_.Device(two, "fab1")->address], 14);
  EXPECT_EQ(to_[kFabricGroup], 0);
}

TEST_F(SegmentTest, ABoxWithAnOldIdentityHidesNobody) {
  // Both have proved to be b1, in the time of their keys.
  ProbeFabric::Box& old = fabric_.Add("b1", {"fab0"}, 9);
  JoinAndRun({fabric_.Device(old, "fab0"), fabric_.Device(b_, "fab0")});
  for (const uint8_t key : {uint8_t{2}, uint8_t{9}})
    EXPECT_THAT(A().neighbours,
                testing::Contains(testing::Field(&Neighbour::identity,
                                                 Ed25519PublicKey(ProbeFabric::Seed(key)))));
}

TEST_F(SegmentTest, ATargetThatNobodyHearsIsAskedForSeldomUntilItIsHeard) {
  JoinAndRun({});
  EXPECT_LE(to_[kFabricGroup], 3000 / 400 + 1);
  EXPECT_GE(to_[kFabricGroup], 3000 / 400 - 1);
  to_.clear();
  const auto device = fabric_.Device(b_, "fab0");
  const auto counted = fabric_.Device(a_, "fab0")->wire;
  fabric_.Join({fabric_.Device(a_, "fab0"), device}, true);
  fabric_.Device(a_, "fab0")->wire = [counted, wire = fabric_.Device(a_, "fab0")->wire](
                                         uint16_t type, const ReceivedFrame& frame) {
    counted(type, frame);
    wire(type, frame);
  };
  fabric_.Run(absl::Seconds(2));
  EXPECT_GE(to_[device->address], 7) << "five times a second, once it was heard";
}

// Otherwise it would be many seconds until the turn of one that was not heard comes again.
TEST_F(SegmentTest, WhoAsksForUsIsAskedBack) {
  std::set<std::string> targets{"z1"};
  for (int i = 0; i < 500; ++i) targets.insert(StrCat("n", i));
  fabric_.SetTargets(a_, 1, targets);
  ProbeFabric::Box& last = fabric_.Add("z1", {"fab0"}, 7);
  fabric_.SetTargets(last, 7, {"a1"});
  const auto device = fabric_.Device(a_, "fab0");
  fabric_.Join({device, fabric_.Device(last, "fab0")}, true);
  device->wire = [wire = device->wire](uint16_t type, const ReceivedFrame& frame) {
    if (frame.destination != kFabricGroup) wire(type, frame);
  };
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A(), Sees("z1", "fab0", false));
}

}  // namespace
}  // namespace sluice
