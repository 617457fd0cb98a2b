#include "controller/grants/engine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <mutex>

#include "base/crypto.h"
#include "base/system_clock.h"
#include "controller/store/store_fake.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;

class RecordingOutside final : public Outside {
 public:
  void Send(const std::string& node, agent::v1::ControllerMessage) override {
    Note("send " + node);
  }
  void EndSession(const std::string& node, uint64_t, const absl::Status&) override {
    Note("end " + node);
  }
  absl::Status SyncControlPeers(const std::vector<ControlPeer>& peers) override {
    Note("peers " + std::to_string(peers.size()));
    if (failures-- > 0) return absl::UnavailableError("no device");
    return absl::OkStatus();
  }
  void Note(const std::string& what) {
    std::lock_guard lock(mutex);
    log.push_back(what);
  }
  std::vector<std::string> Take() {
    std::lock_guard lock(mutex);
    return std::exchange(log, {});
  }
  std::mutex mutex;
  std::vector<std::string> log;
  std::atomic<int> failures = 0;
};

class EngineTest : public testing::Test {
 protected:
  EngineTest() {
    CoreConfig config;
    config.fleet = "lab";
    config.signing_seed = NewSecret();
    config.endpoint = "192.0.2.1:51819";
    config.control_key = PublicKey{1};
    core_ = *ControllerCore::Create(config, store_, clock_);
  }
  FakeStore store_;
  SystemClock clock_;
  std::unique_ptr<ControllerCore> core_;
  RecordingOutside outside_;
};

TEST_F(EngineTest, EffectsAreCarriedOutInOrderBeforeTheCallReturns) {
  Engine engine(*core_, outside_, clock_);
  engine.Start();
  ASSERT_TRUE(engine.Run([](ControllerCore&, Effects&) {}).ok());
  while (outside_.Take().empty()) ASSERT_TRUE(engine.Run([](ControllerCore&, Effects&) {}).ok());
  ASSERT_TRUE(engine
                  .Run([](ControllerCore& core, Effects& effects) {
                    EXPECT_TRUE(core.AddNode("a1", "east", false, {}, effects).ok());
                    effects.end_sessions.push_back({"a1", 1, absl::OkStatus()});
                    effects.sends.push_back({"a1", {}});
                  })
                  .ok());
  EXPECT_THAT(outside_.Take(), ElementsAre("peers 1", "send a1", "end a1"));
}

TEST_F(EngineTest, PeersThatCouldNotBeSetAreTriedAgain) {
  outside_.failures = 2;
  Engine engine(*core_, outside_, clock_);
  engine.Start();
  size_t tries = 0;
  while (tries < 3) {
    ASSERT_TRUE(engine.Run([](ControllerCore&, Effects&) {}).ok());
    tries += outside_.Take().size();
  }
  EXPECT_LT(outside_.failures, 0);
}

TEST_F(EngineTest, WhatWasPostedBeforeTheStopStillRuns) {
  Engine engine(*core_, outside_, clock_);
  int ran = 0;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(engine.Post([&](ControllerCore&, Effects&) { ++ran; }));
  engine.Start();
  engine.Stop();
  EXPECT_EQ(ran, 100);
  EXPECT_FALSE(engine.Post([](ControllerCore&, Effects&) {}));
  EXPECT_EQ(engine.Run([](ControllerCore&, Effects&) {}).code(), absl::StatusCode::kUnavailable);
}

TEST_F(EngineTest, TheQueueIsBounded) {
  Engine engine(*core_, outside_, clock_, 2);
  EXPECT_TRUE(engine.Post([](ControllerCore&, Effects&) {}));
  EXPECT_TRUE(engine.Post([](ControllerCore&, Effects&) {}));
  EXPECT_FALSE(engine.Post([](ControllerCore&, Effects&) {}));
}

}  // namespace
}  // namespace sluice
