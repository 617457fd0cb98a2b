#include "os/netlink/xfrm_messages.h"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>

#include <span>

#include "os/netlink/test_xfrm.h"

namespace sluice {
namespace {

std::string HexOf(const NetlinkMessage& message) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(message.header());
  return ToHex(std::span<const uint8_t>(bytes, message.header()->nlmsg_len));
}

// The kernel answers with what it was given: same fixed part, same attributes.
TEST(XfrmMessagesTest, SaReadsBack) {
  for (const bool v6 : {false, true}) {
    XfrmSa sa = TestSa(v6);
    sa.mark = 0x51;
    sa.limits = {1000, 10, 60};
    const NetlinkMessage message = EncodeAddSa(sa, TestXfrmKey());
    ASSERT_FALSE(message.overflowed());
    const auto state = DecodeSa(message.header());
    ASSERT_TRUE(state.has_value());
    ExpectSameSa(state->sa, sa);
    EXPECT_EQ(state->replay_window, kXfrmReplayWindow);
    EXPECT_TRUE(state->extended);
  }
}

// Golden bytes, worked out by hand from RFC 4106 and linux/xfrm.h (little endian).
TEST(XfrmMessagesTest, LaysTheKeyOut) {
  const NetlinkMessage message = EncodeAddSa(TestSa(false), TestXfrmKey());
  std::string name = ToHex(std::span(reinterpret_cast<const uint8_t*>("rfc4106(gcm(aes))"), 17));
  name.resize(128, '0');
  std::string key;
  for (int i = 0; i < 32; ++i) key += "aa";
  EXPECT_NE(HexOf(message).find("70001200"          // length 112, XFRMA_ALG_AEAD
                                + name +            // 64 bytes
                                "20010000"          // 288 bits of key and salt
                                "80000000"          // 128 bits of tag
                                + key + "01020304"  // the salt as it lies in memory
                                ),
            std::string::npos)
      << HexOf(message);
}

TEST(XfrmMessagesTest, AChangeCarriesNoKey) {
  EXPECT_EQ(HexOf(EncodeUpdateSa(TestSa(false))).find("aaaaaaaa"), std::string::npos);
}

TEST(XfrmMessagesTest, ReadsCountersAndSequenceNumbers) {
  NetlinkMessage message(XFRM_MSG_NEWSA, 0);
  auto* info = message.Extra<xfrm_usersa_info>();
  info->family = AF_INET;
  info->id.spi = 0x01010000;  // network byte order
  info->curlft.bytes = uint64_t{1} << 40;
  info->curlft.packets = 7;
  info->curlft.add_time = 1'700'000'000;
  xfrm_replay_state_esn replay{};
  replay.oseq = 5;
  replay.oseq_hi = 1;
  replay.seq = 6;
  message.PutBytes(XFRMA_REPLAY_ESN_VAL, &replay, sizeof(replay));
  EXPECT_FALSE(DecodeSa(message.header())) << "of no xfrm interface";
  message.PutU32(XFRMA_IF_ID, 9);
  const auto state = DecodeSa(message.header());
  ASSERT_TRUE(state.has_value());
  EXPECT_EQ(state->sa.spi, 0x101U);
  EXPECT_EQ(state->bytes, uint64_t{1} << 40);
  EXPECT_EQ(state->packets, 7U);
  EXPECT_EQ(state->added, absl::FromUnixSeconds(1'700'000'000));
  EXPECT_EQ(state->sent_number, (uint64_t{1} << 32) + 5);
  EXPECT_EQ(state->heard_number, 6U);
}

TEST(XfrmMessagesTest, PolicyReadsBack) {
  for (const auto direction : {XfrmDirection::kIn, XfrmDirection::kOut, XfrmDirection::kForward}) {
    for (const bool v6 : {false, true}) {
      const XfrmPolicy policy = TestPolicy(direction, v6);
      const NetlinkMessage message = EncodeSetPolicy(policy);
      ASSERT_FALSE(message.overflowed());
      EXPECT_EQ(DecodePolicy(message.header()), policy);
    }
  }
}

TEST(XfrmMessagesTest, APolicyThatIsNotOursHasNoReqid) {
  const auto tampered = [](const std::function<void(xfrm_userpolicy_info&)>& change) {
    NetlinkMessage message = EncodeSetPolicy(TestPolicy(XfrmDirection::kOut, false));
    change(*static_cast<xfrm_userpolicy_info*>(mnl_nlmsg_get_payload(message.header())));
    return DecodePolicy(message.header())->reqid;
  };
  EXPECT_NE(tampered([](xfrm_userpolicy_info&) {}), 0U);
  EXPECT_EQ(tampered([](xfrm_userpolicy_info& i) { i.action = XFRM_POLICY_BLOCK; }), 0U);
}

TEST(XfrmMessagesTest, CutShortIsNothing) {
  NetlinkMessage message = EncodeAddSa(TestSa(false), TestXfrmKey());
  message.header()->nlmsg_len = NLMSG_HDRLEN + 20;
  EXPECT_FALSE(DecodeSa(message.header()));
  EXPECT_FALSE(DecodePolicy(message.header()));
}

TEST(XfrmMessagesTest, DeviceReadsBack) {
  NetlinkMessage message = EncodeCreateXfrmDevice("x0", 7);
  message.PutString(IFLA_IFALIAS, "a name");
  const XfrmDevice device = DecodeXfrmDevice(message.header());
  EXPECT_EQ(device.if_id, 7U);
  EXPECT_EQ(device.alias, "a name");
}

}  // namespace
}  // namespace sluice
