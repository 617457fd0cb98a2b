// Which slot an address belongs to: longest prefixes, the cache, many routes.
#include <absl/strings/str_cat.h>

#include <algorithm>
#include <random>
#include <vector>

#include "datapath/tc/packet_testing.h"

namespace sluice::testing {
namespace {

class RouteTest : public GateTest {
 protected:
  void SetUp() override {
    GateTest::SetUp();
    if (kernel_ == nullptr) return;
    StoreWord(kernel_->config().shaper_mode, SLUICE_SHAPER_NONE);
  }
  // The slot that a packet to `destination` is counted for; 0: refused.
  uint32_t SlotFor(const std::string& destination) {
    const bool v6 = destination.find(':') != std::string::npos;
    const std::string frame = v6 ? Ethernet(kIpv6Type, Ipv6("fd00:1::2", destination, Udp(1, 2, 8)))
                                 : Ethernet(kIpv4Type, Ipv4("10.1.0.2", destination, Udp(1, 2, 8)));
    const BpfTestRun run = Run("acc_ingress", frame);
    if (run.verdict != TC_ACT_OK) return 0;
    return run.context.mark & ~SLUICE_MARK_MASK;
  }
  void OpenAll(uint32_t first, uint32_t last) {
    for (uint32_t slot = first; slot <= last; ++slot) Open(slot, kMaxVolume.value);
  }
};

TEST_F(RouteTest, TheLongestPrefixWins) {
  Route(SLUICE_ROUTE_SEND, "10.0.0.0/8", 7);
  Route(SLUICE_ROUTE_SEND, "10.2.0.128/25", 8);
  Route(SLUICE_ROUTE_SEND, "10.2.0.200", 9);
  Route(SLUICE_ROUTE_SEND, "::/0", 10);
  Route(SLUICE_ROUTE_SEND, "fd00:2::99", 11);
  OpenAll(5, 11);
  EXPECT_EQ(SlotFor("10.2.0.1"), kSend);
  EXPECT_EQ(SlotFor("10.2.0.129"), 8u);
  EXPECT_EQ(SlotFor("10.2.0.200"), 9u);
  EXPECT_EQ(SlotFor("10.3.0.1"), 7u);
  EXPECT_EQ(SlotFor("11.0.0.1"), 0u) << "the IPv6 default is not IPv4's";
  EXPECT_EQ(SlotFor("2001:db8::1"), 10u);
  EXPECT_EQ(SlotFor("fd00:2::99"), 11u);
  EXPECT_EQ(SlotFor("fd00:2::98"), kSend);
}

TEST_F(RouteTest, RolesAreApart) {
  Route(SLUICE_ROUTE_RECEIVE, "10.5.0.0/24", 7);
  Route(SLUICE_ROUTE_OWN, "10.6.0.0/24", 1);
  OpenAll(1, 7);
  EXPECT_EQ(SlotFor("10.5.0.1"), 0u);
  EXPECT_EQ(SlotFor("10.6.0.1"), 0u);
}

TEST_F(RouteTest, AChangeOfGenerationEmptiesTheCache) {
  OpenAll(5, 7);
  EXPECT_EQ(SlotFor("10.2.0.1"), kSend);
  EXPECT_EQ(SlotFor("10.4.0.1"), 0u);
  const sluice_route_key key = RouteKey(SLUICE_ROUTE_SEND, ParseIpPrefix("10.2.0.0/24").value());
  const uint32_t seven = 7;
  ASSERT_TRUE(PutElement(kernel_->routes_fd(), &key, &seven).ok());
  EXPECT_EQ(SlotFor("10.2.0.1"), kSend) << "cached; else this test tests nothing";
  Route(SLUICE_ROUTE_SEND, "10.4.0.0/24", 6);  // also changes the generation
  EXPECT_EQ(SlotFor("10.2.0.1"), 7u);
  EXPECT_EQ(SlotFor("10.4.0.1"), 6u) << "that there is no route is cached no longer either";
  ASSERT_TRUE(DeleteElement(kernel_->routes_fd(), &key).ok());
  kernel_->NextGeneration();
  EXPECT_EQ(SlotFor("10.2.0.1"), 0u);
}

TEST_F(RouteTest, AGenerationWhoseNumberComesAgainFindsNothingOld) {
  OpenAll(5, 7);
  const sluice_route_key key = RouteKey(SLUICE_ROUTE_SEND, ParseIpPrefix("10.2.0.0/24").value());
  EXPECT_EQ(SlotFor("10.2.0.1"), kSend);
  const uint32_t seven = 7;
  ASSERT_TRUE(PutElement(kernel_->routes_fd(), &key, &seven).ok());
  for (uint32_t i = 0; i < SLUICE_GENERATIONS; ++i) kernel_->NextGeneration();
  EXPECT_EQ(SlotFor("10.2.0.1"), 7u);
}

TEST_F(RouteTest, MoreAddressesThanTheCacheHolds) {
  Route(SLUICE_ROUTE_SEND, "20.0.0.0/8", 7);
  OpenAll(5, 7);
  // Many more addresses than the cache has room for, each asked twice.
  for (int i = 0; i < 200'000; i += 7) {
    const std::string host = absl::StrCat("20.", i >> 16, ".", i >> 8 & 255, ".", i & 255);
    ASSERT_EQ(SlotFor(host), 7u) << host;
    ASSERT_EQ(SlotFor(host), 7u) << host;
    ASSERT_EQ(SlotFor(absl::StrCat("2", host)), 0u) << "no route, which is cached as well";
  }
}

TEST_F(RouteTest, TenThousandRoutes) {
  constexpr uint32_t kLinks = 10'000;
  std::vector<std::string> hosts(kLinks + 1);
  for (uint32_t i = 1; i <= kLinks; ++i) {
    const std::string prefix = absl::StrCat("20.", i / 256, ".", i % 256, ".");
    hosts[i] = absl::StrCat(prefix, 1 + i % 254);
    const sluice_route_key key =
        RouteKey(SLUICE_ROUTE_SEND, ParseIpPrefix(absl::StrCat(prefix, "0/24")).value());
    ASSERT_TRUE(PutElement(kernel_->routes_fd(), &key, &i).ok());
    Open(i, kMaxVolume.value);
  }
  kernel_->NextGeneration();
  // Twice, in an order that fills, hits and replaces cache entries.
  std::mt19937 random(7);
  for (int round = 0; round < 2; ++round) {
    std::shuffle(hosts.begin() + 1, hosts.end(), random);
    for (uint32_t i = 1; i <= kLinks; ++i) {
      const IpAddress a = ParseIpAddress(hosts[i]).value();
      ASSERT_EQ(SlotFor(hosts[i]), a.bytes[1] * 256u + a.bytes[2]) << hosts[i];
    }
  }
}

}  // namespace
}  // namespace sluice::testing
