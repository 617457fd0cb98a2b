#include "wire/port_codec.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

std::vector<PortCounts> TwoPorts() {
  PortCounts first{"fab0", {{1, 2}, {3, 4}, {5, 6}, {7, 8}}, {{9, 10}, {11, 12}, {}, {15, 16}}};
  PortCounts second{"fab1", {}, {{1, 1}, {}, {}, {}}};
  return {first, second};
}

TEST(PortCodecTest, WhatIsSentArrives) {
  agent::v1::Heartbeat heartbeat;
  AddPortCounts(TwoPorts(), heartbeat);
  const auto ports = PortCountsOf(heartbeat);
  ASSERT_TRUE(ports.ok()) << ports.status();
  EXPECT_EQ(*ports, TwoPorts());
}

TEST(PortCodecTest, NonsenseIsRefused) {
  agent::v1::Heartbeat heartbeat;
  AddPortCounts(TwoPorts(), heartbeat);
  agent::v1::Heartbeat twice = heartbeat;
  twice.mutable_ports(1)->set_port("fab0");
  EXPECT_FALSE(PortCountsOf(twice).ok());
  agent::v1::Heartbeat nameless = heartbeat;
  nameless.mutable_ports(1)->clear_port();
  EXPECT_FALSE(PortCountsOf(nameless).ok());
  agent::v1::Heartbeat huge = heartbeat;
  huge.mutable_ports(0)->mutable_rx()->mutable_device()->set_bytes(uint64_t{1} << 63);
  EXPECT_FALSE(PortCountsOf(huge).ok());
  for (int i = 0; i < 64; ++i)
    heartbeat.add_ports()->set_port(std::string("p") + std::to_string(i));
  EXPECT_FALSE(PortCountsOf(heartbeat).ok());
}

}  // namespace
}  // namespace sluice
