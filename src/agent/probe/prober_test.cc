#include "agent/probe/prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <deque>

#include "os/packet/packet_fake.h"
#include "wire/probe_frame.h"

namespace sluice {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Field;
using ::testing::IsEmpty;
using ::testing::Not;

using Kind = ProbeAlarm::Kind;

// Machines with ports, and wires between them that take their time. Frames to the nearest
// group end at bridges.
class Fabric {
 public:
  struct Box {
    std::string name;
    std::unique_ptr<PacketPortsFake> packets;
    std::unique_ptr<Prober> prober;
    std::map<std::string, PortWiring> said;
  };

  Fabric() : controller_(Seed(200)) {}
  // Devices hold their wires, and wires the devices at their ends.
  ~Fabric() {
    for (Box& box : boxes_) {
      for (auto& [port, device] : box.packets->devices) device->wire = nullptr;
    }
  }

  static Secret32 Seed(uint8_t number) {
    std::array<uint8_t, 32> bytes{};
    bytes.fill(number);
    return Secret32(bytes);
  }

  // `key` makes the identity; `vouched` is whether the controller gives it a credential.
  Box& Add(const std::string& name, std::vector<std::string> ports, uint8_t key,
           bool vouched = true, std::string fleet = "lab") {
    Box& box = boxes_.emplace_back();
    box.name = name;
    box.packets = std::make_unique<PacketPortsFake>(clock);
    for (const std::string& port : ports) {
      auto device = std::make_shared<FakeDevice>();
      device->address = {2, 0, 0, 0, 0, ++macs_};
      box.packets->devices[port] = device;
    }
    Prober::Config config{fleet,     name,
                          Seed(key), Ed25519PublicKey(Seed(200)),
                          ports,     [this](std::span<uint8_t> out) { Random(out); }};
    box.prober = std::make_unique<Prober>(config, clock, *box.packets);
    ProbeTerms terms;
    const Ed25519Signer liar(Seed(201));
    terms.credential =
        SignCredential(vouched ? controller_ : liar, {fleet, name, Ed25519PublicKey(Seed(key))});
    box.prober->SetTerms(terms);
    return box;
  }

  std::shared_ptr<FakeDevice> Device(Box& box, const std::string& port) {
    return box.packets->devices.at(port);
  }

  // Several devices on one bridge, or two on a cable.
  void Join(std::vector<std::shared_ptr<FakeDevice>> devices, bool bridge,
            absl::Duration delay = absl::Microseconds(10)) {
    for (const auto& device : devices) {
      device->wire = [this, devices, bridge, delay, self = device.get()](
                         uint16_t type, const ReceivedFrame& frame) {
        if (bridge && frame.destination == kNearestGroup) return;
        for (const auto& other : devices) {
          if (other.get() == self) continue;
          const bool group = (frame.destination[0] & 1) != 0;
          if (group || frame.destination == other->address)
            flying_.push_back({clock.Now() + delay, other, type, frame});
        }
      };
    }
  }

  void Run(absl::Duration time, absl::Duration step = absl::Milliseconds(1)) {
    const BootTime end = clock.Now() + time;
    while (clock.Now() < end) {
      clock.Advance(step);
      for (int i = 0; i < 4; ++i) {
        Deliver();
        for (Box& box : boxes_) {
          if (paused.contains(box.name)) continue;
          if (auto report = box.prober->Run()) {
            for (PortWiring& port : report->ports) box.said[port.port] = std::move(port);
          }
        }
        clock.Advance(absl::Microseconds(15));
      }
    }
  }

  FakeClock clock;
  std::set<std::string> paused;
  std::vector<std::pair<uint16_t, ReceivedFrame>> captured;

 private:
  struct Flying {
    BootTime due;
    std::shared_ptr<FakeDevice> to;
    uint16_t type = 0;
    ReceivedFrame frame;
  };
  void Deliver() {
    std::deque<Flying> later;
    for (Flying& flying : flying_) {
      if (flying.due > clock.Now()) {
        later.push_back(std::move(flying));
        continue;
      }
      flying.frame.at = flying.due;
      captured.emplace_back(flying.type, flying.frame);
      if (flying.to->carrier) flying.to->waiting[flying.type].push_back(std::move(flying.frame));
    }
    flying_ = std::move(later);
  }
  void Random(std::span<uint8_t> out) {
    for (uint8_t& byte : out) {
      state_ = state_ * 6364136223846793005u + 1442695040888963407u;
      byte = static_cast<uint8_t>(state_ >> 56);
    }
  }

  const Ed25519Signer controller_;
  std::deque<Box> boxes_;
  std::deque<Flying> flying_;
  uint8_t macs_ = 0;
  uint64_t state_ = 1;
};

auto Sees(const std::string& node, const std::string& port, bool nearest) {
  return Field(&PortWiring::neighbours,
               Contains(AllOf(Field(&Neighbour::port, PortName{node, port}),
                              Field(&Neighbour::nearest, nearest))));
}

auto Alarms(Kind kind) {
  return Field(&PortWiring::alarms, Contains(Field(&ProbeAlarm::kind, kind)));
}

class ProberTest : public ::testing::Test {
 protected:
  ProberTest() : a_(fabric_.Add("a1", {"fab0", "fab1"}, 1)), b_(fabric_.Add("b1", {"fab0"}, 2)) {}

  void Cable(absl::Duration delay = absl::Microseconds(10)) {
    fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, false, delay);
  }
  const PortWiring& A(const std::string& port = "fab0") { return a_.said[port]; }
  const PortWiring& B() { return b_.said["fab0"]; }

  Fabric fabric_;
  Fabric::Box& a_;
  Fabric::Box& b_;
};

TEST_F(ProberTest, BothEndsOfACableProveThemselves) {
  Cable();
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
  EXPECT_THAT(B(), Sees("a1", "fab0", true));
  EXPECT_TRUE(A().carrier);
  EXPECT_THAT(A().alarms, IsEmpty());
  EXPECT_THAT(A("fab1").neighbours, IsEmpty());
  EXPECT_EQ(A().neighbours.front().identity, Ed25519PublicKey(Fabric::Seed(2)));
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
  Fabric::Box& rogue = fabric_.Add("c1", {"fab0"}, 3, /*vouched=*/false);
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(rogue, "fab0")}, false);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A().neighbours, IsEmpty());
  EXPECT_THAT(A(), Alarms(Kind::kForged));
}

TEST_F(ProberTest, AnotherFleetsNodeProvesNothing) {
  Fabric::Box& other = fabric_.Add("c1", {"fab0"}, 3, true, "elsewhere");
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(other, "fab0")}, false);
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A().neighbours, IsEmpty());
}

TEST_F(ProberTest, AnIdentityThatWasCopiedIsNoticedByAll) {
  Fabric::Box& clone = fabric_.Add("b1", {"fab3"}, 2);
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
  Fabric::Box& again = fabric_.Add("b1 again", {"fab0"}, 2);
  (void)again;
  Fabric::Box& next = fabric_.Add("b1", {"fab0"}, 2);
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
  ProbeTerms terms;
  const Ed25519Signer controller(Fabric::Seed(200));
  terms.credential = SignCredential(controller, {"lab", "a1", Ed25519PublicKey(Fabric::Seed(1))});
  terms.targets = {"b1"};
  a_.prober->SetTerms(terms);
  fabric_.Join({fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0")}, true);
  fabric_.Run(absl::Milliseconds(300));
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

TEST_F(ProberTest, AFloodOfQuestionsIsNotAnswered) {
  Cable();
  int answered = 0;
  const auto device = fabric_.Device(a_, "fab0");
  device->wire = [&](uint16_t, const ReceivedFrame& frame) {
    const auto probe = DecodeProbe(frame.payload);
    if (probe.ok() && probe->has_proof()) ++answered;
  };
  for (int i = 0; i < 5000; ++i) {
    probe::v1::Frame frame;
    std::string nonce(16, 'n');
    nonce[0] = static_cast<char>(i & 0xff);
    nonce[1] = static_cast<char>(i >> 8);
    frame.mutable_question()->set_nonce(nonce);
    frame.mutable_question()->set_node("b1");
    frame.mutable_question()->set_port("fab0");
    device->waiting[kProbeEtherType].push_back(
        {{2, 0, 0, 0, 0, 9}, kFabricGroup, EncodeProbe(frame), fabric_.clock.Now(), true});
  }
  fabric_.Run(absl::Milliseconds(100));
  EXPECT_LT(answered, 400);
}

TEST_F(ProberTest, NonsenseIsAnAlarmAndNothingElse) {
  Cable();
  for (const std::string& nonsense :
       {std::string("x"), std::string(1400, '\xff'), std::string("\x01\x00\x05hello", 8)}) {
    fabric_.Device(a_, "fab0")
        ->waiting[kProbeEtherType]
        .push_back({{2, 0, 0, 0, 0, 9}, kFabricGroup, nonsense, fabric_.clock.Now(), true});
  }
  fabric_.Run(absl::Seconds(1));
  EXPECT_THAT(A(), Alarms(Kind::kForged));
  EXPECT_THAT(A(), Sees("b1", "fab0", true));
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

}  // namespace
}  // namespace sluice
