#include "os/packet/packet.h"

#include <gtest/gtest.h>
#include <poll.h>

#include "os/netlink/test_namespace.h"
#include "os/packet/wall_offset.h"

namespace sluice {
namespace {

constexpr uint16_t kType = 0x88b5;
constexpr MacAddress kGroup{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e};

class PacketTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(
        space_.Shell("ip link add one type veth peer name two && ip link set one up && "
                     "ip link set two up"));
  }
  std::unique_ptr<PacketPort> Open(const std::string& device) {
    auto port = space_.In([&] { return SystemPacketPorts().Open(device, kType, {kGroup}); });
    EXPECT_TRUE(port.ok()) << port.status();
    return port.ok() ? *std::move(port) : nullptr;
  }
  static std::optional<ReceivedFrame> Take(PacketPort& port) {
    pollfd waiting{port.fd(), POLLIN, 0};
    EXPECT_EQ(::poll(&waiting, 1, 5000), 1);
    auto frame = port.Receive();
    EXPECT_TRUE(frame.ok()) << frame.status();
    return frame.ok() ? *frame : std::nullopt;
  }

  TestNamespace space_;
};

TEST_F(PacketTest, FramesArriveWithTheirTime) {
  const auto one = Open("one");
  const auto two = Open("two");
  ASSERT_TRUE(one && two);
  // The first frame tells how the clocks stand to each other.
  ASSERT_TRUE(one->Send(kGroup, "first").ok());
  ASSERT_TRUE(Take(*two));
  const auto sent = one->Send(kGroup, "words");
  ASSERT_TRUE(sent.ok());
  const auto frame = Take(*two);
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->payload, "words");
  EXPECT_EQ(frame->destination, kGroup);
  EXPECT_TRUE(frame->exact);
  EXPECT_GE(frame->at, *sent);
  const auto none = two->Receive();
  ASSERT_TRUE(none.ok());
  EXPECT_FALSE(*none);
  ASSERT_TRUE(two->Send(frame->source, "back").ok());
  EXPECT_EQ(Take(*one)->payload, "back");
}

constexpr int64_t kMs = 1'000'000;

TEST(WallOffsetTest, AStepIsDistrustedAsLongAsFramesFromBeforeItMayWait) {
  WallOffset offset;
  int64_t boot = 5'000 * kMs;
  int64_t wall = 1'700'000'000'000 * kMs;
  const auto after = [&](int64_t passed, int64_t step) {
    boot += passed;
    wall += passed + step;
    return offset.Take(boot, wall);
  };
  EXPECT_FALSE(after(0, 0)) << "nothing to compare with";
  EXPECT_TRUE(after(100 * kMs, 0));
  EXPECT_TRUE(after(100 * kMs, 50'000)) << "slewed";
  for (const int64_t step : {3 * kMs, -3 * kMs}) {
    EXPECT_FALSE(after(100 * kMs, step));
    // Those that waited with it are dated by the clock of before.
    EXPECT_FALSE(after(1'000, 0));
    EXPECT_FALSE(after(WallOffset::kDistrust - 2'000, 0));
    EXPECT_TRUE(after(1'000, 0));
  }
  // Again and again: a second after the last.
  for (int i = 0; i < 30; ++i) EXPECT_FALSE(after(100 * kMs, 3 * kMs));
  EXPECT_TRUE(after(WallOffset::kDistrust, 0));
}

TEST_F(PacketTest, SeesTheCarrier) {
  const auto one = Open("one");
  ASSERT_TRUE(one);
  EXPECT_TRUE(*one->Carrier());
  ASSERT_TRUE(space_.Shell("ip link set two down"));
  EXPECT_FALSE(*one->Carrier());
  ASSERT_TRUE(space_.Shell("ip link set one down"));
  EXPECT_TRUE(absl::IsUnavailable(one->Send(kGroup, "x").status()));
}

TEST_F(PacketTest, ADeviceThatWasReplacedIsGone) {
  const auto one = Open("one");
  ASSERT_TRUE(one);
  ASSERT_TRUE(space_.Shell("ip link del one && ip link add one type veth peer name two"));
  EXPECT_TRUE(absl::IsNotFound(one->Carrier().status()));
  EXPECT_TRUE(absl::IsNotFound(
      space_.In([&] { return SystemPacketPorts().Open("three", kType, {}); }).status()));
}

}  // namespace
}  // namespace sluice
