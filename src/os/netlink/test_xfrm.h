// SAs and policies for tests.
#ifndef SLUICE_OS_NETLINK_TEST_XFRM_H_
#define SLUICE_OS_NETLINK_TEST_XFRM_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

#include "os/netlink/xfrm_interface.h"

namespace sluice {

inline XfrmSa TestSa(bool v6) {
  XfrmSa sa;
  sa.if_id = 9;
  sa.source = *ParseIpAddress(v6 ? "2001:db8::1" : "192.0.2.1");
  sa.destination = *ParseIpAddress(v6 ? "2001:db8::2" : "192.0.2.2");
  sa.spi = 0x12345678;
  sa.reqid = 77;
  return sa;
}

inline XfrmKey TestXfrmKey() {
  XfrmKey key;
  std::ranges::fill(key.key.mutable_bytes(), uint8_t{0xaa});
  constexpr uint8_t kSalt[4] = {1, 2, 3, 4};
  std::memcpy(&key.salt, kSalt, sizeof(kSalt));
  return key;
}

inline XfrmPolicy TestPolicy(XfrmDirection direction, bool v6) {
  const XfrmSa sa = TestSa(v6);
  XfrmPolicy policy;
  policy.if_id = sa.if_id;
  policy.direction = direction;
  policy.source = *ParseIpPrefix(v6 ? "::/0" : "0.0.0.0/0");
  policy.destination = *ParseIpPrefix(v6 ? "fd00:2::/64" : "10.2.0.0/16");
  policy.priority = 1000;
  policy.outer_source = sa.source;
  policy.outer_destination = sa.destination;
  policy.reqid = sa.reqid;
  policy.spi = direction == XfrmDirection::kOut ? sa.spi : 0;
  return policy;
}

inline void ExpectSameSa(const XfrmSa& a, const XfrmSa& b) {
  EXPECT_EQ(a.if_id, b.if_id);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.destination, b.destination);
  EXPECT_EQ(a.spi, b.spi);
  EXPECT_EQ(a.reqid, b.reqid);
  EXPECT_EQ(a.mark, b.mark);
  EXPECT_EQ(a.limits, b.limits);
}

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_TEST_XFRM_H_
