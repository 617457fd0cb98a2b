// What others may send, and what they do not get by it.
#include "agent/probe/probe_fabric.h"
#include "base/strings.h"

namespace sluice {
namespace {

using Kind = ProbeAlarm::Kind;

class ProbeAbuseTest : public ProberTest {
 protected:
  void Push(const std::string& port, const probe::v1::Frame& frame) {
    Push(port, EncodeProbe(frame));
  }
  void Push(const std::string& port, const std::string& payload) {
    fabric_.Device(a_, port)->waiting[kProbeEtherType].push_back(
        {{2, 0, 0, 0, 0, 9}, kFabricGroup, payload, fabric_.clock.Now(), true});
  }
  // How many of `count` questions within a second that a1 answers.
  int Answered(int count) {
    int answered = 0;
    fabric_.Device(a_, "fab0")->wire = [&](uint16_t, const ReceivedFrame& frame) {
      const auto probe = DecodeProbe(frame.payload);
      if (probe.ok() && probe->has_proof()) ++answered;
    };
    for (int i = 0; i < count; ++i) {
      probe::v1::Frame frame;
      frame.mutable_question()->set_nonce(Nonce());
      frame.mutable_question()->set_node("b1");
      frame.mutable_question()->set_port("fab0");
      Push("fab0", frame);
      if (i % (count / 100) == 0) fabric_.Run(absl::Milliseconds(10), absl::Milliseconds(5));
    }
    fabric_.Run(absl::Milliseconds(10), absl::Milliseconds(5));
    fabric_.Device(a_, "fab0")->wire = nullptr;
    return answered;
  }
  std::string Nonce() {
    std::string nonce(16, 'n');
    ++nonces_;
    for (int i = 0; i < 4; ++i) nonce[i] = static_cast<char>(nonces_ >> (8 * i));
    return nonce;
  }
  uint64_t Frames(Kind kind, const std::string& words) {
    for (const ProbeAlarm& alarm : A().alarms)
      if (alarm.kind == kind && alarm.words == words) return alarm.frames;
    return 0;
  }

 private:
  uint32_t nonces_ = 0;
};

TEST_F(ProbeAbuseTest, AFloodOfQuestionsIsNotAnswered) {
  const int answered = Answered(5000);
  EXPECT_LE(answered, 500 * 1.2 + 200);
  EXPECT_GE(answered, 500);
}

// Each of them asks five times a second.
TEST_F(ProbeAbuseTest, ManyTargetsAreAllAnswered) {
  std::set<std::string> targets;
  for (int i = 0; i < 200; ++i) targets.insert(StrCat("n", i));
  fabric_.SetTargets(a_, 1, targets);
  EXPECT_EQ(Answered(1000), 1000);
}

TEST_F(ProbeAbuseTest, NonsenseIsAnAlarmAndNothingElse) {
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

// What anybody can raise must not hide what only a node's own key can.
TEST_F(ProbeAbuseTest, ManyAlarmsHideNoOther) {
  ProbeFabric::Box& clone = fabric_.Add("b1", {"fab3"}, 2);
  for (size_t i = 0; i < 40; ++i) {
    probe::v1::Frame frame;
    frame.mutable_load()->set_nonce(std::string(20 + i, 'x'));
    Push("fab0", frame);
  }
  fabric_.Run(absl::Milliseconds(100));
  fabric_.Join(
      {fabric_.Device(a_, "fab0"), fabric_.Device(b_, "fab0"), fabric_.Device(clone, "fab3")},
      true);
  fabric_.Run(absl::Seconds(2));
  EXPECT_THAT(A(), Alarms(Kind::kForged));
  EXPECT_THAT(A(), Alarms(Kind::kCloned));
}

// b1's answers are followed at once by many others, each with a proof that costs a verification.
class ProofFloodTest : public ProbeAbuseTest {
 protected:
  void Flood(int each) {
    const auto device = fabric_.Device(b_, "fab0");
    const auto to = fabric_.Device(a_, "fab0");
    device->wire = [this, to, each](uint16_t type, ReceivedFrame frame) {
      frame.at = fabric_.clock.Now() + absl::Microseconds(10);
      to->waiting[type].push_back(frame);
      const auto probe = DecodeProbe(frame.payload);
      if (!probe.ok()) return;
      if (probe->has_proof()) credential_ = probe->proof();
      if (!probe->has_answer()) return;
      for (int i = 0; i < each; ++i) PushForged(probe->answer().nonce());
    };
  }
  void PushForged(const std::string& nonce) {
    probe::v1::Frame answer;
    answer.mutable_answer()->set_nonce(nonce);
    answer.mutable_answer()->set_answer(Nonce());
    Push("fab0", answer);
    probe::v1::ProofWords words;
    words.set_fleet("lab");
    words.set_nonce(nonce);
    words.set_answer(answer.answer().answer());
    words.set_node("b1");
    words.set_port("fab0");
    words.set_asker_node("a1");
    words.set_asker_port("fab0");
    words.set_nearest(true);
    words.set_instance("12345678");
    probe::v1::Frame proof;
    *proof.mutable_proof() = credential_;
    proof.mutable_proof()->set_words(words.SerializeAsString());
    Push("fab0", proof);
    ++forged_;
  }

  probe::v1::Proof credential_;
  uint64_t forged_ = 0;
};

TEST_F(ProofFloodTest, CostsLittleAndHidesNobody) {
  Cable();
  Flood(80);
  fabric_.Run(absl::Seconds(1));
  for (int i = 0; i < 20; ++i) {
    fabric_.Run(absl::Milliseconds(100));
    ASSERT_THAT(A(), Sees("b1", "fab0", true));
  }
  ASSERT_GT(forged_, 2000u);
  const std::string words = "a proof whose signature is wrong";
  // Fifty at once and fifty a second, and one for each question.
  EXPECT_LE(Frames(Kind::kForged, words) + Frames(Kind::kForged, "a proof by nobody of this fleet"),
            50u + 3 * (50 + 13));
  EXPECT_GT(Frames(Kind::kForged, "more wrong proofs than are worth reading"), 1000u);
}

TEST_F(ProofFloodTest, OfAnswersMakesNobodyForgetTheFirst) {
  Cable();
  Flood(1000);
  for (int i = 0; i < 10; ++i) {
    fabric_.Run(absl::Milliseconds(100));
    if (i < 5) continue;
    ASSERT_THAT(A(), Sees("b1", "fab0", true));
  }
  EXPECT_GT(Frames(Kind::kForged, "more answers than there are neighbours"), 0u);
}

// What was never sent did not arrive, whoever signs that it did, and whatever it says of the time.
TEST_F(ProbeAbuseTest, ANeighbourCannotBoastOfACable) {
  Cable(absl::Milliseconds(1));
  const auto device = fabric_.Device(b_, "fab0");
  device->wire = [wire = device->wire](uint16_t type, ReceivedFrame frame) {
    auto probe = DecodeProbe(frame.payload);
    probe::v1::ProofWords words;
    if (probe.ok() && probe->has_proof() && words.ParseFromString(probe->proof().words()) &&
        words.load_bytes() > 0) {
      words.set_load_bytes(UINT64_MAX);
      words.set_hold_ns(1'999'000);
      SignProof(Ed25519Signer(ProbeFabric::Seed(2)), words, *probe->mutable_proof());
      frame.payload = EncodeProbe(*probe);
    }
    wire(type, frame);
  };
  fabric_.Run(absl::Seconds(1));
  const BitRate speed{100'000'000};
  a_.prober->Measure("fab0", speed);
  fabric_.Run(absl::Milliseconds(1500));
  ASSERT_TRUE(A().capacity);
  EXPECT_LE(A().capacity->rate.bps, speed.bps);
}

}  // namespace
}  // namespace sluice
