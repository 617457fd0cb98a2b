#include "controller/api/peer_address.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(ParsePeerTest, TakesWhatGrpcWrites) {
  const IpAddress node = *ParseIpAddress("fd73:6c75:6963:6500::1:2");
  EXPECT_EQ(*ParsePeer("ipv6:[fd73:6c75:6963:6500::1:2]:4711"), node);
  EXPECT_EQ(*ParsePeer("ipv6:%5Bfd73:6c75:6963:6500::1:2%5D:4711"), node);
  EXPECT_EQ(*ParsePeer("ipv4:192.0.2.1:4711"), *ParseIpAddress("192.0.2.1"));
}

TEST(ParsePeerTest, RefusesEverythingElse) {
  for (const char* peer : {"", "ipv6:", "unix:/tmp/x", "ipv6:[fd73::1]", "ipv6:fd73::1:4711",
                           "ipv4:192.0.2.1", "ipv6:[fd73::1]:99999", "ipv6:%5Bzz%5D:1"}) {
    EXPECT_FALSE(ParsePeer(peer).ok()) << peer;
  }
}

}  // namespace
}  // namespace sluice
