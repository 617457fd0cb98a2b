#include "model/prefix.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sluice {
namespace {

using ::testing::HasSubstr;

IpPrefix Prefix(std::string_view text) { return *ParseIpPrefix(text); }
IpAddress Address(std::string_view text) { return *ParseIpAddress(text); }

TEST(AddressTest, ParsesAndPrintsBothFamilies) {
  EXPECT_EQ(Address("192.0.2.1").ToString(), "192.0.2.1");
  EXPECT_FALSE(Address("192.0.2.1").v6);
  EXPECT_EQ(Address("2001:DB8:0::1").ToString(), "2001:db8::1");
  EXPECT_TRUE(Address("::").v6);
}

TEST(AddressTest, RefusesWhatIsNoAddress) {
  for (const char* text :
       {"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "010.0.0.1", "1", "fe80::1%a", "::g",
        "1:2:3:4:5:6:7:8:9", "[::1]", "host", "192.0.2.1/24"})
    EXPECT_FALSE(ParseIpAddress(text).ok()) << text;
  EXPECT_FALSE(ParseIpAddress(std::string_view("192.0.2.1\0", 10)).ok());
  EXPECT_FALSE(ParseIpAddress(std::string(5'000, ':')).ok());
}

TEST(PrefixTest, ParsesAndPrints) {
  EXPECT_EQ(Prefix("10.1.0.0/24").ToString(), "10.1.0.0/24");
  EXPECT_EQ(Prefix("10.1.0.7").ToString(), "10.1.0.7/32");
  EXPECT_EQ(Prefix("fd00::/64").ToString(), "fd00::/64");
  EXPECT_EQ(Prefix("fd00::1").ToString(), "fd00::1/128");
  EXPECT_EQ(Prefix("0.0.0.0/0").ToString(), "0.0.0.0/0");
  EXPECT_EQ(Prefix("::/0").ToString(), "::/0");
  EXPECT_EQ(Prefix("10.128.0.0/9").ToString(), "10.128.0.0/9");
}

TEST(PrefixTest, RefusesHostBitsAndProposesThePrefix) {
  absl::StatusOr<IpPrefix> prefix = ParseIpPrefix("10.1.0.129/25");
  ASSERT_FALSE(prefix.ok());
  EXPECT_THAT(std::string(prefix.status().message()), HasSubstr("10.1.0.128/25"));
  EXPECT_FALSE(ParseIpPrefix("fd00::1/64").ok());
  EXPECT_FALSE(ParseIpPrefix("10.0.0.0/0").ok());
}

TEST(PrefixTest, RefusesBadLengths) {
  for (const char* text :
       {"10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0.0/8 ", "fd00::/129",
        "10.0.0.0/8/8", "/8", "10.0.0.0/+8", "10.0.0.0/99999999999"})
    EXPECT_FALSE(ParseIpPrefix(text).ok()) << text;
}

TEST(PrefixTest, ContainsItsAddressesAndNoOthers) {
  EXPECT_TRUE(Prefix("10.1.0.0/24").Contains(Address("10.1.0.255")));
  EXPECT_FALSE(Prefix("10.1.0.0/24").Contains(Address("10.1.1.0")));
  EXPECT_TRUE(Prefix("10.128.0.0/9").Contains(Address("10.255.255.255")));
  EXPECT_FALSE(Prefix("10.128.0.0/9").Contains(Address("10.127.255.255")));
  EXPECT_TRUE(Prefix("0.0.0.0/0").Contains(Address("255.255.255.255")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Contains(Address("::")));
  EXPECT_FALSE(Prefix("::/0").Contains(Address("0.0.0.0")));
  EXPECT_TRUE(Prefix("fd00::8000/113").Contains(Address("fd00::ffff")));
  EXPECT_FALSE(Prefix("fd00::8000/113").Contains(Address("fd00::7fff")));
  EXPECT_FALSE(Prefix("fd00::1").Contains(Address("fd00::2")));
}

TEST(PrefixTest, OverlapIsMutual) {
  EXPECT_TRUE(Prefix("10.0.0.0/8").Overlaps(Prefix("10.1.0.0/16")));
  EXPECT_TRUE(Prefix("10.1.0.0/16").Overlaps(Prefix("10.0.0.0/8")));
  EXPECT_TRUE(Prefix("10.1.0.0/16").Overlaps(Prefix("10.1.0.0/16")));
  EXPECT_FALSE(Prefix("10.1.0.0/16").Overlaps(Prefix("10.2.0.0/16")));
  EXPECT_FALSE(Prefix("0.0.0.0/0").Overlaps(Prefix("::/0")));
}

TEST(EndpointTest, ParsesAndPrints) {
  EXPECT_EQ(ParseEndpoint("192.0.2.1:51820")->ToString(), "192.0.2.1:51820");
  EXPECT_EQ(ParseEndpoint("[2001:db8::1]:1")->ToString(), "[2001:db8::1]:1");
  EXPECT_EQ(ParseEndpoint("192.0.2.1:65535")->port, 65'535);
}

TEST(EndpointTest, RefusesWhatIsNoEndpoint) {
  for (const char* text :
       {"", "192.0.2.1", "192.0.2.1:", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:+1",
        "192.0.2.1:01", "192.0.2.1:1 ", ":1", "host:1", "2001:db8::1", "2001:db8::1:51820",
        "[192.0.2.1]:1", "[::1]", "[::1]1", "[]:1", "[::1:1", "::1]:1"})
    EXPECT_FALSE(ParseEndpoint(text).ok()) << text;
}

}  // namespace
}  // namespace sluice
