#include "agent/tamper/sources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/tamper/tamper_message.h"
#include "os/files/files_fake.h"
#include "os/sensors/sensors_fake.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = TamperMessage::Kind;
using Found = TamperSource::Found;

constexpr uint32_t kOwnUid = 1000;
constexpr char kPath[] = "/run/lid";

class SourcesTest : public ::testing::Test {
 protected:
  SourcesTest() {
    std::array<uint8_t, 32> key{};
    key.fill(9);
    key_ = Secret32(key);
  }

  SensorTerms Terms(std::optional<absl::Duration> interval) {
    return {"lid", key_, "boot-1", interval, clock_.Now()};
  }
  std::unique_ptr<SocketSource> Socket(std::optional<absl::Duration> interval = std::nullopt) {
    return std::make_unique<SocketSource>(std::make_unique<DatagramSocketFake>(state_), kOwnUid,
                                          Terms(interval), clock_.Now());
  }
  std::unique_ptr<FileSource> File(std::optional<absl::Duration> interval = std::nullopt) {
    SensorTerms terms = Terms(interval);
    terms.accept_after = BootTime{};
    return std::make_unique<FileSource>(kPath, std::make_unique<FileWatchFake>(state_), files_,
                                        std::move(terms), clock_.Now());
  }
  std::unique_ptr<GpioSource> Gpio(bool active_high) {
    return std::make_unique<GpioSource>("gpio", std::make_unique<GpioLineFake>(state_), active_high,
                                        clock_.Now());
  }
  std::string Message(Kind kind, const std::string& words = "") {
    clock_.Advance(absl::Milliseconds(1));
    return SealTamperMessage(key_, {kind, "boot-1", clock_.Now(), words});
  }
  Found Send(TamperSource& source, const std::string& text, uint32_t uid = 0) {
    state_->datagrams.push_back({text, uid});
    return source.Poll(clock_.Now());
  }
  Found After(TamperSource& source, absl::Duration d) {
    clock_.Advance(d);
    return source.Poll(clock_.Now());
  }

  FakeClock clock_;
  Secret32 key_;
  FilesFake files_;
  std::shared_ptr<SensorsFakeState> state_ = std::make_shared<SensorsFakeState>();
};

TEST_F(SourcesTest, AnAuthenticMessageIsAnEvent) {
  const auto source = Socket();
  const std::string text = Message(Kind::kTamper, "lid open");
  const Found found = Send(*source, text);
  EXPECT_THAT(found.events, ElementsAre(TamperEvent{"lid", "lid open", clock_.Now()}));
  EXPECT_THAT(found.faults, IsEmpty());
  EXPECT_EQ(source->deadline(), std::nullopt);
}

TEST_F(SourcesTest, TheSameMessageAgainIsNone) {
  const auto source = Socket();
  const std::string text = Message(Kind::kTamper);
  ASSERT_THAT(Send(*source, text).events, SizeIs(1));
  const Found again = Send(*source, text);
  EXPECT_THAT(again.events, IsEmpty());
  EXPECT_THAT(again.faults, ElementsAre(HasSubstr("not newer")));
}

TEST_F(SourcesTest, WhatWasSentBeforeTheAgentBeganIsNone) {
  const std::string text = Message(Kind::kTamper);
  const auto source = Socket();
  EXPECT_THAT(Send(*source, text).events, IsEmpty());
}

TEST_F(SourcesTest, ForgedForeignAndLaterMessagesAreFaultsAndNoEvents) {
  const auto source = Socket();
  EXPECT_THAT(Send(*source, "garbage").faults, ElementsAre(HasSubstr("no code")));
  EXPECT_THAT(Send(*source, Message(Kind::kTamper), kOwnUid + 1).faults,
              ElementsAre(HasSubstr("another user")));
  const TamperMessage other{Kind::kTamper, "boot-0", clock_.Now(), ""};
  EXPECT_THAT(Send(*source, SealTamperMessage(key_, other)).faults,
              ElementsAre(HasSubstr("another boot")));
  const TamperMessage later{Kind::kTamper, "boot-1", clock_.Now() + absl::Hours(1), ""};
  EXPECT_THAT(Send(*source, SealTamperMessage(key_, later)).faults,
              ElementsAre(HasSubstr("from later")));
  const TamperMessage forged{Kind::kTamper, "boot-1", clock_.Now(), ""};
  EXPECT_THAT(Send(*source, SealTamperMessage(Secret32(), forged)).faults,
              ElementsAre(HasSubstr("another key")));
  EXPECT_THAT(Send(*source, Message(Kind::kTamper), kOwnUid).events, SizeIs(1));
}

TEST_F(SourcesTest, AFloodOfForgeriesIsOneFaultAndDelaysNothing) {
  const auto source = Socket(absl::Seconds(1));
  for (int i = 0; i < 1000; ++i) state_->datagrams.push_back({"garbage", 0});
  clock_.Advance(absl::Seconds(1));
  const Found found = source->Poll(clock_.Now());
  EXPECT_THAT(found.faults, SizeIs(1));
  EXPECT_THAT(found.events, SizeIs(1));  // of the dead-man
}

TEST_F(SourcesTest, AMissedHeartbeatIsAnEventOnce) {
  const auto source = Socket(absl::Seconds(1));
  clock_.Advance(absl::Milliseconds(900));
  EXPECT_THAT(Send(*source, Message(Kind::kHeartbeat)).events, IsEmpty());
  EXPECT_EQ(source->deadline(), clock_.Now() + absl::Seconds(1));
  EXPECT_THAT(After(*source, absl::Milliseconds(999)).events, IsEmpty());
  const Found found = After(*source, absl::Milliseconds(1));
  ASSERT_THAT(found.events, SizeIs(1));
  EXPECT_EQ(found.events[0].words, "no heartbeat for 1s");
  EXPECT_EQ(source->deadline(), std::nullopt);
  EXPECT_THAT(After(*source, absl::Minutes(1)).events, IsEmpty());
}

TEST_F(SourcesTest, AHeartbeatThatWaitedWhileTheAgentStoodStillCounts) {
  const auto source = Socket(absl::Seconds(1));
  clock_.Advance(absl::Seconds(5));
  EXPECT_THAT(Send(*source, Message(Kind::kHeartbeat)).events, IsEmpty());
}

TEST_F(SourcesTest, AHeartbeatThatWasHeldBackDoesNot) {
  const auto source = Socket(absl::Seconds(1));
  const std::string held = Message(Kind::kHeartbeat);
  clock_.Advance(absl::Seconds(2));
  const Found found = Send(*source, held);
  EXPECT_THAT(found.faults, ElementsAre(HasSubstr("too old")));
  EXPECT_THAT(found.events, SizeIs(1));
}

TEST_F(SourcesTest, SilenceThatGoesOnAfterReadmissionIsAnEventAgain) {
  const auto source = Socket(absl::Seconds(1));
  ASSERT_THAT(After(*source, absl::Seconds(1)).events, SizeIs(1));
  source->Rearm(clock_.Now());
  EXPECT_THAT(After(*source, absl::Milliseconds(999)).events, IsEmpty());
  EXPECT_THAT(After(*source, absl::Milliseconds(1)).events, SizeIs(1));
}

TEST_F(SourcesTest, AFileThatSaysSoIsAnEventOnce) {
  const auto source = File();
  EXPECT_THAT(source->Poll(clock_.Now()).faults, ElementsAre(HasSubstr("not there")));
  files_.files[kPath] = Message(Kind::kHeartbeat);
  EXPECT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  files_.files[kPath] = Message(Kind::kTamper, "drilled");
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
  EXPECT_THAT(After(*source, absl::Seconds(1)).events, IsEmpty());
  EXPECT_EQ(source->deadline(), clock_.Now() + absl::Seconds(1));
}

TEST_F(SourcesTest, AFileThatSaidSoBeforeTheAgentBeganCounts) {
  files_.files[kPath] = Message(Kind::kTamper);
  clock_.Advance(absl::Hours(1));
  EXPECT_THAT(File()->Poll(clock_.Now()).events, SizeIs(1));
}

TEST_F(SourcesTest, AFileThatVanishesIsAnEvent) {
  const auto source = File();
  files_.files[kPath] = Message(Kind::kHeartbeat);
  ASSERT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  files_.files.clear();
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
  EXPECT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  source->Rearm(clock_.Now());
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
}

TEST_F(SourcesTest, AFileWithForeignContentIsAFaultUntilTheDeadManNotices) {
  const auto source = File(absl::Seconds(1));
  files_.files[kPath] = "garbage";
  const Found found = source->Poll(clock_.Now());
  EXPECT_THAT(found.faults, SizeIs(1));
  EXPECT_THAT(found.events, IsEmpty());
  EXPECT_THAT(After(*source, absl::Seconds(1)).events, SizeIs(1));
}

TEST_F(SourcesTest, AnActiveLineIsAnEventOnce) {
  const auto source = Gpio(/*active_high=*/true);
  EXPECT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  state_->line = {true, true};
  EXPECT_THAT(source->Poll(clock_.Now()).events,
              ElementsAre(TamperEvent{"gpio", "the line is high", clock_.Now()}));
  EXPECT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  source->Rearm(clock_.Now());
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
}

TEST_F(SourcesTest, APulseIsAnEventThoughItIsOver) {
  const auto source = Gpio(/*active_high=*/false);
  state_->line = {true, false};
  EXPECT_THAT(source->Poll(clock_.Now()).events, IsEmpty());
  state_->line = {true, true};
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
}

TEST_F(SourcesTest, AChipThatGoesIsAnEventAndNoMoreWaitedFor) {
  const auto source = Gpio(/*active_high=*/true);
  ASSERT_EQ(source->fd(), 5);
  state_->fails = absl::NotFoundError("no such device");
  EXPECT_THAT(source->Poll(clock_.Now()).events, SizeIs(1));
  EXPECT_EQ(source->fd(), -1);
  EXPECT_EQ(source->deadline(), clock_.Now() + absl::Seconds(1));
}

}  // namespace
}  // namespace sluice
