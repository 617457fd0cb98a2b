// The gate's counts of a real port against the device's own.
#include "datapath/tc/fabric_counts.h"

#include <net/ethernet.h>
#include <netpacket/packet.h>

#include "datapath/tc/node_testing.h"
#include "os/netlink/route_table.h"

namespace sluice::testing {
namespace {

class FabricCountsTest : public NodeTest {
 protected:
  // LLDP frames out of fab0; with `bypass` past its queue, and so past tc.
  void SendFrames(int count, bool bypass) {
    node_->In([&] {
      const int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
      const int on = bypass ? 1 : 0;
      EXPECT_EQ(setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on)), 0);
      sockaddr_ll to{};
      to.sll_family = AF_PACKET;
      to.sll_protocol = htons(0x88cc);
      to.sll_ifindex = static_cast<int>(if_nametoindex("fab0"));
      const std::string frame = std::string(12, '\2') + "\x88\xcc" + std::string(986, 'x');
      for (int i = 0; i < count; ++i)
        EXPECT_EQ(
            sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to), sizeof(to)),
            1'000);
      close(fd);
    });
  }
  PortFlow ReadTx() {
    const auto ports = Do([](Datapath& d) { return d.ReadFabric(); });
    const auto device = node_->In([]() -> absl::StatusOr<DeviceTraffic> {
      auto routes = RtnetlinkRouteTable::Open();
      if (!routes.ok()) return routes.status();
      return (*routes)->Counters("fab0");
    });
    EXPECT_TRUE(ports.ok() && ports->size() == 1 && device.ok());
    if (!ports.ok() || ports->empty() || !device.ok()) return {};
    EXPECT_EQ((*ports)[0].port, "fab0");
    PortFlow flow = (*ports)[0].tx;
    flow.device = device->tx;
    return flow;
  }
  // Neighbour discovery and the like goes on beside the test.
  static constexpr uint64_t kNoise = 5'000;
};

TEST_F(FabricCountsTest, WhatBypassesTcIsInTheDevicesCountAlone) {
  StartWithRoutes();
  const PortFlow start = ReadTx();
  SendFrames(100, false);
  const PortFlow seen = ReadTx();
  EXPECT_GE(seen.control.packets - start.control.packets, 100u);
  EXPECT_NEAR(static_cast<double>(seen.control.bytes - start.control.bytes), 100'000, kNoise);
  EXPECT_EQ(seen.device.bytes - start.device.bytes, seen.control.bytes - start.control.bytes);
  SendFrames(100, true);
  const PortFlow end = ReadTx();
  EXPECT_NEAR(static_cast<double>(end.device.bytes - seen.device.bytes), 100'000, kNoise);
  EXPECT_LT(end.control.bytes - seen.control.bytes, kNoise);
}

TEST_F(FabricCountsTest, CountsSurviveTheProcess) {
  StartWithRoutes();
  SendFrames(100, false);
  ASSERT_TRUE(Start().ok());
  EXPECT_GE(ReadTx().control.packets, 100u);
}

}  // namespace
}  // namespace sluice::testing
