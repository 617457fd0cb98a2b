#include "os/netlink/route_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/netlink/route_table_fake.h"
#include "os/netlink/test_namespace.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class RouteTableTest : public ::testing::Test {
 protected:
  RouteTableTest() {
    auto opened = ns_.In([] { return RtnetlinkRouteTable::Open(); });
    EXPECT_TRUE(opened.ok()) << opened.status();
    routes_ = std::move(*opened);
  }
  // Whether `command` prints a line that contains `text`.
  bool Shows(const std::string& command, const std::string& text) {
    return ns_.Shell(command + " | grep -qF -- '" + text + "'");
  }
  static Route To(const std::string& prefix, const std::string& device) {
    Route r;
    r.destination = *ParseIpPrefix(prefix);
    r.device = device;
    r.blackhole = device.empty();
    return r;
  }

  TestNamespace ns_;
  std::unique_ptr<RtnetlinkRouteTable> routes_;
};

TEST_F(RouteTableTest, MakesFindsAndDeletesADevice) {
  EXPECT_TRUE(absl::IsNotFound(routes_->Device("d0").status()));
  ASSERT_TRUE(routes_->CreateDevice("d0", "bridge").ok());
  EXPECT_TRUE(routes_->CreateDevice("d0", "bridge").ok()) << "making it again is OK";
  ASSERT_TRUE(routes_->SetMtu("d0", 1420).ok());
  ASSERT_TRUE(routes_->SetUp("d0", true).ok());
  auto device = routes_->Device("d0");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(device->kind, "bridge");
  EXPECT_EQ(device->mtu, 1420);
  EXPECT_TRUE(device->up);
  EXPECT_GT(device->index, 0);
  EXPECT_TRUE(absl::IsAlreadyExists(routes_->CreateDevice("d0", "veth")));
  ASSERT_TRUE(routes_->SetUp("d0", false).ok());
  EXPECT_FALSE(routes_->Device("d0")->up);
  ASSERT_TRUE(routes_->DeleteDevice("d0").ok());
  EXPECT_TRUE(routes_->DeleteDevice("d0").ok()) << "deleting it again is OK";
  EXPECT_TRUE(absl::IsNotFound(routes_->Device("d0").status()));
}

TEST_F(RouteTableTest, FindsTheSourceAddressOfARoute) {
  ASSERT_TRUE(
      ns_.Shell("ip link add d0 type bridge && ip link set d0 up"
                " && ip addr add 192.0.2.1/24 dev d0"
                " && ip addr add 2001:db8::1/64 dev d0 nodad"));
  for (const auto& [to, from] :
       {std::pair("192.0.2.7", "192.0.2.1"), std::pair("2001:db8::7", "2001:db8::1")}) {
    const auto source = routes_->SourceTo(*ParseIpAddress(to), 0x51);
    ASSERT_TRUE(source.ok()) << source.status();
    EXPECT_EQ(source->ToString(), from);
    EXPECT_FALSE(routes_->SourceTo(*ParseIpAddress("198.51.100.1"), 0).ok()) << "no route";
  }
}

TEST_F(RouteTableTest, ReadsADevicesOwnCounters) {
  ASSERT_TRUE(
      ns_.Shell("ip link add d0 type veth peer name d1 && ip link set d0 up && ip link set d1 up"
                " && ip addr add 192.0.2.1/24 dev d0"
                " && { ping -c 3 -i 0.2 -W 1 192.0.2.7 >/dev/null 2>&1 || true; }"));
  const auto sent = routes_->Counters("d0");
  ASSERT_TRUE(sent.ok()) << sent.status();
  const auto received = routes_->Counters("d1");
  ASSERT_TRUE(received.ok()) << received.status();
  EXPECT_GT(sent->tx.packets, 0u);
  EXPECT_GE(sent->tx.bytes, sent->tx.packets * 42) << "ARP, with its Ethernet header";
  EXPECT_EQ(received->rx, sent->tx);
  EXPECT_TRUE(absl::IsNotFound(routes_->Counters("none").status()));
}

TEST_F(RouteTableTest, TellsWhatTheKernelCannot) {
  EXPECT_TRUE(absl::IsUnimplemented(routes_->CreateDevice("x0", "no-such-kind")));
  EXPECT_TRUE(absl::IsInvalidArgument(routes_->CreateDevice("a-name-that-is-too-long", "bridge")));
  EXPECT_TRUE(absl::IsInvalidArgument(routes_->Device("").status()));
  EXPECT_TRUE(absl::IsNotFound(routes_->SetMtu("none", 1400)));
}

TEST_F(RouteTableTest, PassesTheKernelsWordsOn) {
  ASSERT_TRUE(routes_->CreateDevice("d0", "bridge").ok());
  const absl::Status status = routes_->SetMtu("d0", -5);
  EXPECT_TRUE(absl::IsInvalidArgument(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("kernel: "));
}

TEST_F(RouteTableTest, AddsAddressesOfBothKinds) {
  ASSERT_TRUE(routes_->CreateDevice("d0", "bridge").ok());
  ASSERT_TRUE(routes_->SetUp("d0", true).ok());
  const InterfaceAddress v4{*ParseIpAddress("10.7.0.1"), 24};
  const InterfaceAddress v6{*ParseIpAddress("fd73:6c75:6963:6500::1"), 64};
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(routes_->AddAddress("d0", v4).ok());
    EXPECT_TRUE(routes_->AddAddress("d0", v6).ok());
  }
  auto addresses = routes_->Addresses("d0");
  ASSERT_TRUE(addresses.ok()) << addresses.status();
  ASSERT_EQ(addresses->size(), 2U) << "no link-local ones, none twice";
  EXPECT_EQ((*addresses)[0].address, v4.address);
  EXPECT_EQ((*addresses)[0].prefix_length, 24);
  EXPECT_EQ((*addresses)[1].address, v6.address);
  EXPECT_TRUE(Shows("ip -6 addr show dev d0", "nodad"));
}

TEST_F(RouteTableTest, ReplacesATable) {
  ASSERT_TRUE(routes_->CreateDevice("d0", "bridge").ok());
  ASSERT_TRUE(routes_->CreateDevice("d1", "bridge").ok());
  ASSERT_TRUE(routes_->SetUp("d0", true).ok());
  ASSERT_TRUE(routes_->SetUp("d1", true).ok());
  const std::vector<Route> first = {To("10.1.2.0/24", "d0"), To("fd00:2::/64", "d0"),
                                    To("10.1.3.0/24", "d0"), To("fd00:3::/64", "d0"),
                                    To("0.0.0.0/0", ""),     To("::/0", "")};
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = routes_->ReplaceTable(1510, first);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(Shows("ip -4 route show table 1510", "10.1.2.0/24 dev d0"));
  EXPECT_TRUE(Shows("ip -4 route show table 1510", "blackhole default"));
  EXPECT_TRUE(Shows("ip -6 route show table 1510", "fd00:3::/64 dev d0"));
  EXPECT_TRUE(Shows("ip -6 route show table 1510", "blackhole default"));

  const std::vector<Route> second = {To("10.1.2.0/24", "d1"), To("fd00:2::/64", ""),
                                     To("0.0.0.0/0", "d0"), To("::/0", "")};
  ASSERT_TRUE(routes_->ReplaceTable(1510, second).ok());
  EXPECT_TRUE(Shows("ip -4 route show table 1510", "10.1.2.0/24 dev d1"));
  EXPECT_FALSE(Shows("ip -4 route show table 1510", "10.1.3.0/24"));
  EXPECT_FALSE(Shows("ip -4 route show table 1510", "blackhole"));
  EXPECT_TRUE(Shows("ip -6 route show table 1510", "blackhole fd00:2::/64"));
  EXPECT_FALSE(Shows("ip -6 route show table 1510", "fd00:3::/64"));
  EXPECT_TRUE(ns_.Shell("test $(ip -4 route show table 1510 | wc -l) = 2"));
  EXPECT_TRUE(ns_.Shell("test $(ip -6 route show table 1510 | wc -l) = 2"));

  ASSERT_TRUE(routes_->ReplaceTable(1510, {}).ok());
  EXPECT_TRUE(ns_.Shell("test -z \"$(ip route show table 1510; ip -6 route show table 1510)\""));
}

TEST_F(RouteTableTest, LeavesTheSystemsTablesAlone) {
  for (uint32_t table : {0U, 253U, 254U, 255U}) {
    EXPECT_TRUE(absl::IsInvalidArgument(routes_->ReplaceTable(table, {}))) << table;
  }
}

TEST_F(RouteTableTest, RefusesARouteToADeviceThatIsNotThere) {
  EXPECT_TRUE(absl::IsNotFound(routes_->ReplaceTable(1510, {To("10.0.0.0/8", "none")})));
}

TEST_F(RouteTableTest, ReplacesALargeTable) {
  ASSERT_TRUE(routes_->CreateDevice("d0", "bridge").ok());
  ASSERT_TRUE(routes_->SetUp("d0", true).ok());
  std::vector<Route> many;
  for (int i = 0; i < 3000; ++i) {
    many.push_back(
        To("10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".0/24", "d0"));
  }
  ASSERT_TRUE(routes_->ReplaceTable(1510, many).ok());
  EXPECT_TRUE(ns_.Shell("test $(ip -4 route show table 1510 | wc -l) = 3000"));
}

TEST_F(RouteTableTest, AddsAndRemovesInputRules) {
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = routes_->AddInputRule("acc0", 1510, 100);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_TRUE(ns_.Shell("test $(ip -4 rule | grep -c 'iif acc0.*lookup 1510') = 1"));
  EXPECT_TRUE(ns_.Shell("test $(ip -6 rule | grep -c 'iif acc0.*lookup 1510') = 1"));
  for (int i = 0; i < 2; ++i) {
    const absl::Status status = routes_->RemoveInputRule("acc0", 1510, 100);
    ASSERT_TRUE(status.ok()) << status;
  }
  EXPECT_FALSE(Shows("ip rule", "acc0"));
  EXPECT_FALSE(Shows("ip -6 rule", "acc0"));
}

// What callers rely on must hold for the fake too.
TEST(RouteTableFakeTest, BehavesLikeTheKernel) {
  RouteTableFake fake;
  EXPECT_TRUE(absl::IsNotFound(fake.Device("d0").status()));
  EXPECT_TRUE(absl::IsUnimplemented(fake.CreateDevice("d0", "no-such-kind")));
  EXPECT_TRUE(fake.CreateDevice("d0", "bridge").ok());
  EXPECT_TRUE(fake.CreateDevice("d0", "bridge").ok());
  EXPECT_TRUE(absl::IsAlreadyExists(fake.CreateDevice("d0", "veth")));
  EXPECT_TRUE(fake.SetUp("d0", true).ok());
  EXPECT_TRUE(fake.Device("d0")->up);
  EXPECT_TRUE(absl::IsInvalidArgument(fake.ReplaceTable(254, {})));
  Route route;
  route.device = "none";
  EXPECT_TRUE(absl::IsNotFound(fake.ReplaceTable(1510, {route})));
  EXPECT_TRUE(fake.DeleteDevice("d0").ok());
  EXPECT_TRUE(fake.DeleteDevice("d0").ok());
}

}  // namespace
}  // namespace sluice
