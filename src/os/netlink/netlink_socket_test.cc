#include "os/netlink/netlink_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/genetlink.h>
#include <linux/rtnetlink.h>

#include "os/netlink/genetlink.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

TEST(NetlinkMessageTest, LaysAttributesOut) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE);
  message.Extra<ifinfomsg>()->ifi_index = 7;
  message.PutString(1, "ab");
  nlattr* nest = message.BeginNest(2);
  message.PutU8(3, 4);
  message.EndNest(nest);
  EXPECT_EQ(message.header()->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE);
  std::vector<int> seen;
  ForEachAttribute(message.header(), sizeof(ifinfomsg), [&](const nlattr* a) {
    seen.push_back(mnl_attr_get_type(a));
    if (mnl_attr_get_type(a) == 1) {
      EXPECT_EQ(AttributeText(a), "ab");
    }
    if (mnl_attr_get_type(a) != 2) return;
    ForEachAttribute(a, [&](const nlattr* b) {
      seen.push_back(mnl_attr_get_type(b));
      EXPECT_EQ(AttributeAs<uint32_t>(b), 4U) << "a short attribute is padded with zeros";
    });
  });
  EXPECT_EQ(seen, (std::vector<int>{1, 2, 3}));
}

TEST(NetlinkMessageTest, NoticesThatItIsFull) {
  auto socket = NetlinkSocket::Open(NETLINK_ROUTE);
  ASSERT_TRUE(socket.ok()) << socket.status();
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.Extra<ifinfomsg>();
  const std::vector<uint8_t> block(10'000);
  for (int i = 0; i < 7; ++i) message.PutBytes(1, block.data(), block.size());
  EXPECT_TRUE(message.overflowed());
  EXPECT_TRUE(absl::IsResourceExhausted((*socket)->Transact(message, "too much")));
}

TEST(NetlinkSocketTest, NamesWhatWasTriedInAnError) {
  auto socket = NetlinkSocket::Open(NETLINK_ROUTE);
  ASSERT_TRUE(socket.ok()) << socket.status();
  NetlinkMessage message(RTM_GETLINK, 0);
  message.Extra<ifinfomsg>()->ifi_index = 0x7fffffff;
  const absl::Status status = (*socket)->Query(message, "finding it", [](const nlmsghdr*) {});
  EXPECT_TRUE(absl::IsNotFound(status)) << status;
  EXPECT_THAT(status.message(), HasSubstr("finding it"));
  // The socket is good for the next request.
  NetlinkMessage dump(RTM_GETLINK, NLM_F_DUMP);
  dump.Extra<ifinfomsg>();
  int devices = 0;
  EXPECT_TRUE((*socket)->Query(dump, "listing", [&](const nlmsghdr*) { ++devices; }).ok());
  EXPECT_GT(devices, 0);
}

TEST(GenetlinkTest, ResolvesFamilies) {
  auto socket = NetlinkSocket::Open(NETLINK_GENERIC);
  ASSERT_TRUE(socket.ok()) << socket.status();
  EXPECT_EQ(*ResolveGenetlinkFamily(**socket, "nlctrl"), GENL_ID_CTRL);
  EXPECT_TRUE(absl::IsNotFound(ResolveGenetlinkFamily(**socket, "no-such-family").status()));
}

}  // namespace
}  // namespace sluice
