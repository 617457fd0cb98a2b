#include "wire/wiring_codec.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

NodeWiring Sample() {
  NodeWiring wiring{{1, 2}, true, {}};
  PortWiring& port = wiring.ports.emplace_back();
  port.port = "fab0";
  port.carrier = true;
  port.listening = absl::Seconds(3);
  port.plugged = absl::Seconds(2);
  port.neighbours = {{{"b1", "fab1"}, true, PublicKey{4}, {5}, absl::Microseconds(6)},
                     {{"b2", "fab1"}, false, PublicKey{7}, {8}, std::nullopt}};
  port.claims = {{"leaf1", "02:00", "p1", "uplink"}};
  port.capacity = {{"b1", "fab1"}, BitRate{10}, 11};
  port.alarms = {{ProbeAlarm::Kind::kCloned, {"b1", "fab1"}, "two boxes", 9}};
  return wiring;
}

TEST(WiringCodecTest, EveryFieldComesBack) {
  const auto read = WiringFromProto(ToProto(Sample()));
  ASSERT_TRUE(read.ok()) << read.status();
  const NodeWiring sample = Sample();
  EXPECT_EQ(read->instance, sample.instance);
  EXPECT_TRUE(read->whole);
  ASSERT_EQ(read->ports.size(), 1u);
  const PortWiring& port = read->ports[0];
  EXPECT_EQ(port.port, "fab0");
  EXPECT_TRUE(port.carrier);
  EXPECT_EQ(port.listening, absl::Seconds(3));
  EXPECT_EQ(port.plugged, absl::Seconds(2));
  EXPECT_EQ(port.neighbours, sample.ports[0].neighbours);
  EXPECT_EQ(port.claims, sample.ports[0].claims);
  EXPECT_EQ(port.alarms, sample.ports[0].alarms);
  EXPECT_EQ(port.capacity, sample.ports[0].capacity);
}

TEST(WiringCodecTest, RefusesWhatNoAgentWouldSay) {
  const auto refused = [](auto change) {
    agent::v1::Wiring proto = ToProto(Sample());
    change(proto);
    return !WiringFromProto(proto).ok();
  };
  EXPECT_TRUE(refused([](auto& p) { p.set_instance(""); }));
  EXPECT_TRUE(refused([](auto& p) { p.mutable_ports(0)->set_port(""); }));
  EXPECT_TRUE(refused([](auto& p) { p.mutable_ports(0)->set_port("a\nb"); }));
  EXPECT_TRUE(refused([](auto& p) { p.mutable_ports(0)->set_listening_ns(-1); }));
  EXPECT_TRUE(refused([](auto& p) {
    p.mutable_ports(0)->mutable_alarms(0)->set_kind(agent::v1::ALARM_UNSPECIFIED);
  }));
  EXPECT_TRUE(refused([](auto& p) {
    for (int i = 0; i <= kMostPorts; ++i) *p.add_ports() = p.ports(0);
  }));
}

TEST(WiringCodecTest, ANeighbourThatMakesNoSenseIsLeftOut) {
  const auto left = [](auto change) {
    agent::v1::Wiring proto = ToProto(Sample());
    change(*proto.mutable_ports(0)->mutable_neighbours(0));
    const auto read = WiringFromProto(proto);
    return read.ok() && read->ports[0].neighbours.size() == 1;
  };
  EXPECT_TRUE(left([](auto& n) { n.set_node("?"); }));
  EXPECT_TRUE(left([](auto& n) { n.set_port("f\n"); }));
  EXPECT_TRUE(left([](auto& n) { n.set_rtt_ns(-5); }));
  EXPECT_TRUE(left([](auto& n) { n.set_identity_key("short"); }));
}

}  // namespace
}  // namespace sluice
