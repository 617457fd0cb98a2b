#include "agent/session/tamper_watch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/queue.h"
#include "base/system_clock.h"

namespace sluice {
namespace {

// Finds an event for each byte in a pipe, and at its deadline.
class PipeSource final : public TamperSource {
 public:
  PipeSource(int fd, std::optional<BootTime> deadline) : fd_(fd), deadline_(deadline) {}
  int fd() const override { return fd_; }
  std::optional<BootTime> deadline() const override { return deadline_; }
  Found Poll(BootTime now) override {
    Found found;
    if (deadline_ && now >= *deadline_) {
      deadline_.reset();
      found.events.push_back({"deadline", "", now});
    }
    while (armed_-- > 0) found.events.push_back({"rearmed", "", now});
    armed_ = 0;
    char byte = 0;
    if (::read(fd_, &byte, 1) == 1) found.events.push_back({"pipe", "", now});
    return found;
  }
  void Rearm(BootTime) override { armed_ = 1; }

 private:
  const int fd_;
  std::optional<BootTime> deadline_;
  int armed_ = 0;
};

class TamperWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(::pipe2(pipe_, O_NONBLOCK), 0); }
  void TearDown() override {
    ::close(pipe_[0]);
    ::close(pipe_[1]);
  }
  std::unique_ptr<TamperWatch> Watch(std::optional<BootTime> deadline) {
    TamperWatch::Sources sources;
    sources.push_back(std::make_unique<PipeSource>(pipe_[0], deadline));
    return std::make_unique<TamperWatch>(
        std::move(sources), clock_,
        [this](TamperSource::Found found) { (void)!found_.Push(found.events.at(0).source); });
  }
  std::string Next() { return found_.PopFor(absl::Minutes(1)).value_or("nothing"); }

  SystemClock clock_;
  int pipe_[2] = {-1, -1};
  BoundedQueue<std::string> found_{10};
};

TEST_F(TamperWatchTest, AReadableSourceIsPolledAtOnce) {
  const auto watch = Watch(std::nullopt);
  ASSERT_EQ(::write(pipe_[1], "x", 1), 1);
  EXPECT_EQ(Next(), "pipe");
}

TEST_F(TamperWatchTest, ADeadlineNeedsNoDescriptor) {
  const auto watch = Watch(clock_.Now() + absl::Milliseconds(20));
  EXPECT_EQ(Next(), "deadline");
}

TEST_F(TamperWatchTest, AReadmissionReachesTheSources) {
  const auto watch = Watch(std::nullopt);
  watch->Rearm();
  EXPECT_EQ(Next(), "rearmed");
}

TEST_F(TamperWatchTest, NoSourcesIsNoThread) {
  TamperWatch watch({}, clock_, [](TamperSource::Found) {});
  watch.Rearm();
}

}  // namespace
}  // namespace sluice
