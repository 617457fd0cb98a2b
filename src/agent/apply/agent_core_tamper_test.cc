#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/apply/core_rig_testing.h"
#include "wire/readmission.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using AgentMessage = agent::v1::AgentMessage;

const TamperEvent kLid{"socket /run/lid", "the lid is open", BootTime{5}};
const TamperEvent kDrill{"gpio", "the line is high", BootTime{6}};

class AgentTamperTest : public CoreRig {
 protected:
  void Tamper(const TamperEvent& event = kLid) { core_->OnTamper(event, out_); }
  agent::v1::Tamper Told() { return Last(AgentMessage::kTamper).tamper(); }
  agent::v1::SignedReadmission Readmission(const std::string& id, const std::string& node = "a1") {
    return SignReadmission(signing_seed_, {"f1", node, FromWireBytes<16>("id", id).value()});
  }
  void Readmit(const agent::v1::SignedReadmission& words) {
    agent::v1::ControllerMessage message;
    *message.mutable_readmission() = words;
    core_->OnMessage(message, out_);
    core_->Tick(out_);
  }
  void ExpectShut() {
    EXPECT_TRUE(core_->shut());
    EXPECT_TRUE(gate_.kill_switch());
    EXPECT_FALSE(GateOpen(kSend));
    EXPECT_FALSE(HasPeer());
  }
  bool MarkIsThere() const { return files_.files.contains("/state/tampered"); }
};

TEST_F(AgentTamperTest, CutsEverythingBeforeItReturns) {
  Open();
  Traffic(kSend, 1000);
  const PublicKey before = tunnel_->public_key().value();
  Tamper();
  ExpectShut();
  EXPECT_NE(tunnel_->public_key().value(), before);
  EXPECT_TRUE(MarkIsThere());
  EXPECT_TRUE(files_.files.contains("/run/tampered"));
  EXPECT_THAT(Faults(), HasSubstr("the lid is open"));
}

TEST_F(AgentTamperTest, TellsTheControllerAndThenWhatWasUsed) {
  Open();
  Traffic(kSend, 1000);
  Tamper();
  ASSERT_EQ(out_.front().body_case(), AgentMessage::kTamper);
  EXPECT_EQ(Told().source(), kLid.source);
  EXPECT_EQ(Told().words(), kLid.words);
  EXPECT_EQ(Told().at_ns(), 5);
  EXPECT_EQ(Told().cut_at_ns(), clock_.Now().ns);
  EXPECT_EQ(Told().id().size(), 16u);
  EXPECT_EQ(LastClosed().admitted_bytes(), 1000u);
}

TEST_F(AgentTamperTest, NeedsNoController) {
  Open();
  core_->OnDisconnected();
  Tamper();
  ExpectShut();
  EXPECT_TRUE(out_.empty());
  Connect();
  EXPECT_EQ(Last(AgentMessage::kHello).hello().tamper().words(), kLid.words);
}

TEST_F(AgentTamperTest, StaysShutThroughLeasesAndTime) {
  Open();
  Tamper();
  out_.clear();
  Deliver(GoodLease(2));
  Configure();
  Pass(absl::Seconds(5));
  ExpectShut();
  EXPECT_EQ(Requests(), 0);
}

TEST_F(AgentTamperTest, StaysShutThroughARestartAndAReboot) {
  Open();
  Tamper();
  const std::string id = Told().id();
  Restart();
  ExpectShut();
  Connect();
  EXPECT_EQ(Last(AgentMessage::kHello).hello().tamper().id(), id);
  files_.files["/proc/sys/kernel/random/boot_id"] = "boot-2\n";
  for (const char* path : {"/run/boot", "/run/tampered", "/run/config"}) files_.files.erase(path);
  gate_.Reboot();
  Restart();
  ExpectShut();
  Connect();
  EXPECT_EQ(Last(AgentMessage::kHello).hello().tamper().id(), id);
  Pass(absl::Seconds(2));
  EXPECT_TRUE(files_.files.contains("/run/tampered")) << "it is to be in both places";
}

TEST_F(AgentTamperTest, AMarkThatCannotBeReadKeepsItShut) {
  files_.files["/state/tampered"] = "\xff\xff";
  Restart();
  ExpectShut();
  EXPECT_THAT(Faults(), HasSubstr("cannot be read"));
}

TEST_F(AgentTamperTest, ADiskThatTakesNothingDoesNotKeepItOpen) {
  Open();
  files_.FailWrites(absl::ResourceExhaustedError("full"));
  Tamper();
  ExpectShut();
  EXPECT_FALSE(MarkIsThere());
  EXPECT_EQ(Count(AgentMessage::kTamper), 1);
  files_.FailWrites(absl::OkStatus());
  Pass(absl::Seconds(2));
  EXPECT_TRUE(MarkIsThere());
}

TEST_F(AgentTamperTest, WhatDoesNotCloseIsTriedUntilItDoes) {
  Open();
  tunnel_device_->fail_with = absl::UnavailableError("busy");
  Tamper();
  EXPECT_TRUE(gate_.kill_switch());
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_TRUE(HasPeer());
  tunnel_device_->fail_with = absl::OkStatus();
  PassExactly(absl::Milliseconds(200));
  ExpectShut();
}

TEST_F(AgentTamperTest, TheSameEventAgainIsNotToldAgain) {
  Open();
  Tamper();
  out_.clear();
  Tamper();
  EXPECT_EQ(Count(AgentMessage::kTamper), 0);
}

TEST_F(AgentTamperTest, ReadmissionOpensItAgainByNewLeasesOnly) {
  Open();
  Tamper();
  const std::string id = Told().id();
  out_.clear();
  Readmit(Readmission(id));
  EXPECT_FALSE(core_->shut());
  EXPECT_FALSE(gate_.kill_switch());
  EXPECT_FALSE(GateOpen(kSend));
  EXPECT_FALSE(MarkIsThere());
  EXPECT_TRUE(core_->TakeReadmitted());
  EXPECT_FALSE(core_->TakeReadmitted());
  EXPECT_TRUE(core_->TakeReconnect()) << "the controller must learn the new tunnel key";
  core_->OnDisconnected();
  Connect();
  EXPECT_FALSE(Last(AgentMessage::kHello).hello().has_tamper());
  ASSERT_GE(Requests(), 1);
  Grant(2);
  EXPECT_TRUE(GateOpen(kSend));
  EXPECT_TRUE(HasPeer());
}

TEST_F(AgentTamperTest, AReadmissionIsGoodForOneEventOnly) {
  Open();
  Tamper();
  const agent::v1::SignedReadmission words = Readmission(Told().id());
  Readmit(words);
  ASSERT_FALSE(core_->shut());
  Tamper();
  Readmit(words);
  ExpectShut();
  EXPECT_EQ(core_->bad_messages(), 1u);
}

TEST_F(AgentTamperTest, AnotherEventWhileShutNeedsAnotherReadmission) {
  Open();
  Tamper(kLid);
  const std::string first = Told().id();
  Tamper(kDrill);
  const std::string second = Told().id();
  EXPECT_NE(first, second);
  Readmit(Readmission(first));
  ExpectShut();
  Readmit(Readmission(second));
  EXPECT_FALSE(core_->shut());
}

TEST_F(AgentTamperTest, AForgedOrForeignReadmissionIsRefused) {
  Open();
  Tamper();
  const std::string id = Told().id();
  agent::v1::SignedReadmission forged = Readmission(id);
  forged.mutable_signature()->back() ^= 1;
  Readmit(forged);
  Readmit(Readmission(id, "b1"));
  Readmit(SignReadmission(signing_seed_, {"f2", "a1", FromWireBytes<16>("id", id).value()}));
  ExpectShut();
  EXPECT_EQ(core_->bad_messages(), 3u);
}

TEST_F(AgentTamperTest, AReadmissionThatCannotBeWrittenDownIsNone) {
  Open();
  Tamper();
  const std::string id = Told().id();
  files_.FailWrites(absl::ResourceExhaustedError("full"));
  Readmit(Readmission(id));
  ExpectShut();
  files_.FailWrites(absl::OkStatus());
  Restart();
  ExpectShut();
}

TEST_F(AgentTamperTest, AnAlteredGateHealsUnlessItIsTampering) {
  Open();
  Fail(FakeDatapath::Call::kVerify, absl::InternalError("detached"));
  Pass(absl::Seconds(2));
  EXPECT_FALSE(core_->shut());
  EXPECT_FALSE(GateOpen(kSend));
  integrity_is_tamper_ = true;
  Restart();
  Fail(FakeDatapath::Call::kVerify, absl::InternalError("detached"));
  Pass(absl::Seconds(2));
  ExpectShut();
}

TEST_F(AgentTamperTest, AnotherKeyInTheTunnelIsTampering) {
  integrity_is_tamper_ = true;
  Restart();
  Open();
  TunnelConfig config;
  config.private_key = NewSecret();
  ASSERT_TRUE(tunnel_->Configure(config).ok());
  Pass(absl::Seconds(2));
  ExpectShut();
}

}  // namespace
}  // namespace sluice
