#include "agent/session/probe_watch.h"

#include <gtest/gtest.h>

#include "base/queue.h"
#include "base/system_clock.h"
#include "os/packet/packet_fake.h"

namespace sluice {
namespace {

class ProbeWatchTest : public ::testing::Test {
 protected:
  void SetUp() override { packets_.devices["fab0"] = std::make_shared<FakeDevice>(); }
  std::unique_ptr<ProbeWatch> Watch(ProbeWatch::Sink sink) {
    const Prober::Config config{"lab", "a1", NewSecret(), {}, {"fab0"}, RandomBytes};
    return std::make_unique<ProbeWatch>(std::make_unique<Prober>(config, clock_, packets_), clock_,
                                        std::move(sink));
  }
  SystemClock clock_;
  PacketPortsFake packets_{clock_};
  BoundedQueue<NodeWiring> said_{100};
};

TEST_F(ProbeWatchTest, SaysWhatItFindsAndWhatWasNotTakenAgain) {
  std::atomic<int> refused = 0;
  const auto watch = Watch(
      [&](NodeWiring wiring) { return refused++ < 2 ? false : said_.Push(std::move(wiring)); });
  const auto wiring = said_.PopFor(absl::Minutes(1));
  ASSERT_TRUE(wiring);
  EXPECT_TRUE(wiring->whole);
  ASSERT_EQ(wiring->ports.size(), 1u);
  EXPECT_TRUE(wiring->ports[0].carrier);
}

TEST_F(ProbeWatchTest, TermsMayComeAtAnyTime) {
  const auto watch = Watch([this](NodeWiring wiring) { return said_.Push(std::move(wiring)); });
  for (int i = 0; i < 100; ++i) watch->SetTerms({{}, {std::to_string(i)}});
  EXPECT_TRUE(said_.PopFor(absl::Minutes(1)));
}

}  // namespace
}  // namespace sluice
