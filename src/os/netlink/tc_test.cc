#include "os/netlink/tc.h"

#include <gtest/gtest.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "os/netlink/route_table.h"
#include "os/netlink/test_namespace.h"

namespace sluice {
namespace {

constexpr uint64_t kBitsPerByte = 8;

HtbClass Class(uint32_t id, uint64_t bps) {
  HtbClass htb;
  htb.id = id;
  htb.parent = TcHandle(1, 0);
  htb.rate = bps / kBitsPerByte;
  htb.burst = 32768;
  htb.peak = 2 * htb.rate;
  htb.peak_burst = 10'000;
  htb.quantum = 3000;
  htb.overhead = 51;
  return htb;
}

TEST(PsTicksTest, CountsIn64NanosecondSteps) {
  EXPECT_EQ(PsTicks(1500, 1'000'000), 1'500'000U / 64);
  EXPECT_EQ(PsTicks(0, 1000), 0U);
}

TEST(PsTicksTest, DoesNotOverflow) {
  EXPECT_EQ(PsTicks(1, 0), UINT32_MAX);
  EXPECT_EQ(PsTicks(UINT64_MAX, 1), UINT32_MAX);
  EXPECT_EQ(PsTicks(64 << 20, 400'000'000'000 / kBitsPerByte), 20971U);  // 1.34 ms
  EXPECT_EQ(BytesOfPsTicks(UINT32_MAX, UINT64_MAX), UINT64_MAX);
}

TEST(PsTicksTest, RoundsSoThatNothingIsGained) {
  for (const uint64_t rate : {1000UL, 12'500'000UL, 50'000'000'000UL}) {
    for (const uint64_t bytes : {3000UL, 32768UL, 262144UL}) {
      const uint64_t back = BytesOfPsTicks(PsTicks(bytes, rate), rate);
      EXPECT_LE(back, bytes + 1) << rate;
      EXPECT_GE(back + rate / 15'625'000 + 1, bytes) << "less than one tick is lost at " << rate;
    }
  }
}

// From 8 kbit/s to 400 Gbit/s, what is encoded is what is decoded.
TEST(TcEncodingTest, HtbClassReadsBack) {
  for (const uint64_t bps :
       {8'000UL, 100'000'000UL, 34'359'738'360UL, 34'359'738'368UL, 400'000'000'000UL}) {
    const HtbClass wanted = Class(TcHandle(1, 0x4001), bps);
    const NetlinkMessage message = EncodeHtbClass(7, wanted);
    ASSERT_FALSE(message.overflowed());
    const HtbClass got = DecodeHtbClass(message.header()).htb;
    EXPECT_EQ(got.id, wanted.id);
    EXPECT_EQ(got.parent, wanted.parent);
    EXPECT_EQ(got.rate, wanted.rate) << bps;
    EXPECT_EQ(got.peak, wanted.peak) << bps;
    EXPECT_EQ(got.quantum, wanted.quantum);
    EXPECT_EQ(got.overhead, wanted.overhead);
    EXPECT_LE(got.burst, wanted.burst + 1) << bps;
    EXPECT_LE(got.peak_burst, wanted.peak_burst + 1) << bps;
  }
}

TEST(TcEncodingTest, TbfReadsBack) {
  for (const uint64_t rate : {1000UL, 12'500'000UL, 50'000'000'000UL}) {
    const TbfParameters wanted{rate, 65536, 62500};
    const Qdisc got = DecodeQdisc(EncodeTbf(7, TcHandle(1, 5), TcHandle(5, 0), wanted).header());
    EXPECT_EQ(got.kind, "tbf");
    EXPECT_EQ(got.parent, TcHandle(1, 5));
    EXPECT_EQ(got.handle, TcHandle(5, 0));
    EXPECT_EQ(got.tbf.rate, wanted.rate);
    EXPECT_EQ(got.tbf.limit, wanted.limit);
  }
}

class TcTest : public ::testing::Test {
 protected:
  TcTest() {
    ns_.In([&] {
      auto routes = RtnetlinkRouteTable::Open();
      EXPECT_TRUE(routes.ok()) << routes.status();
      EXPECT_TRUE((*routes)->CreateDevice("d0", "bridge").ok());
      EXPECT_TRUE((*routes)->SetUp("d0", true).ok());
      device_ = (*routes)->Device("d0")->index;
      auto tc = RtnetlinkTrafficControl::Open();
      EXPECT_TRUE(tc.ok()) << tc.status();
      tc_ = std::move(*tc);
    });
  }
  Qdisc On(uint32_t parent) {
    const auto all = tc_->Qdiscs(device_);
    EXPECT_TRUE(all.ok()) << all.status();
    for (const Qdisc& q : *all) {
      if (q.parent == parent) return q;
    }
    return {};
  }

  TestNamespace ns_;
  int device_ = 0;
  std::unique_ptr<RtnetlinkTrafficControl> tc_;
};

TEST_F(TcTest, BuildsAndReadsBackAShaper) {
  ASSERT_TRUE(tc_->ReplaceHtb(device_, TcHandle(1, 0), 0x3fff).ok());
  ASSERT_TRUE(tc_->ReplaceHtb(device_, TcHandle(1, 0), 0x3fff).ok());
  EXPECT_EQ(On(kTcRoot).kind, "htb");
  EXPECT_EQ(On(kTcRoot).default_class, 0x3fffU);
  const uint32_t id = TcHandle(1, 0x4000);
  for (const uint64_t bps : {8'000UL, 500'000'000UL, 40'000'000'000UL, 400'000'000'000UL}) {
    const HtbClass htb = Class(id, bps);
    absl::Status status = tc_->ReplaceHtbClass(device_, htb);
    ASSERT_TRUE(status.ok()) << status;
    const TbfParameters tbf{1'000'000'000'000'000, 3000, 62500};
    status = tc_->ReplaceTbf(device_, id, TcHandle(0x4000, 0), tbf);
    ASSERT_TRUE(status.ok()) << status;
    const auto classes = tc_->HtbClasses(device_);
    ASSERT_TRUE(classes.ok()) << classes.status();
    ASSERT_EQ(classes->size(), 1U);
    EXPECT_EQ((*classes)[0].htb.rate, htb.rate);
    EXPECT_EQ((*classes)[0].htb.peak, htb.peak);
    EXPECT_LE((*classes)[0].htb.burst, htb.burst + 1);
    EXPECT_LE((*classes)[0].htb.peak_burst, htb.peak_burst + 1);
    EXPECT_EQ((*classes)[0].htb.quantum, htb.quantum);
    EXPECT_EQ((*classes)[0].htb.overhead, htb.overhead);
    EXPECT_EQ((*classes)[0].leaf, TcHandle(0x4000, 0));
    EXPECT_EQ(On(id).kind, "tbf");
    EXPECT_EQ(On(id).tbf.limit, tbf.limit);
    EXPECT_EQ(On(id).tbf.rate, tbf.rate);
  }
  ASSERT_TRUE(tc_->DeleteClass(device_, id).ok());
  EXPECT_TRUE(tc_->DeleteClass(device_, id).ok()) << "deleting it again is OK";
  EXPECT_TRUE(tc_->HtbClasses(device_)->empty());
  EXPECT_EQ(On(id).kind, "") << "its leaf went with it";
  ASSERT_TRUE(tc_->DeleteQdisc(device_, kTcRoot).ok());
  EXPECT_TRUE(tc_->DeleteQdisc(device_, kTcRoot).ok()) << "deleting it again is OK";
  EXPECT_NE(On(kTcRoot).kind, "htb");
}

TEST_F(TcTest, HoldsThousandsOfClasses) {
  ASSERT_TRUE(tc_->ReplaceHtb(device_, TcHandle(1, 0), 0x3fff).ok());
  for (uint32_t i = 0; i < 4000; ++i) {
    ASSERT_TRUE(tc_->ReplaceHtbClass(device_, Class(TcHandle(1, 0x4000 + i), 8000 + 8 * i)).ok());
    ASSERT_TRUE(tc_->ReplaceTbf(device_, TcHandle(1, 0x4000 + i), TcHandle(0x4000 + i, 0),
                                {1'000'000'000'000'000, 3000, 62500})
                    .ok());
  }
  EXPECT_EQ(tc_->HtbClasses(device_)->size(), 4000U);
}

TEST_F(TcTest, PutsOtherKindsUnderAClass) {
  ASSERT_TRUE(tc_->ReplaceHtb(device_, TcHandle(1, 0), 0).ok());
  const uint32_t id = TcHandle(1, 5);
  ASSERT_TRUE(tc_->ReplaceHtbClass(device_, Class(id, 8000)).ok());
  ASSERT_TRUE(tc_->ReplaceBfifo(device_, id, TcHandle(5, 0), 50'000).ok());
  EXPECT_EQ(On(id).kind, "bfifo");
  EXPECT_EQ(On(id).limit, 50'000U);
  ASSERT_TRUE(tc_->ReplaceBlackhole(device_, id, TcHandle(6, 0)).ok());
  EXPECT_EQ(On(id).kind, "blackhole");
}

TEST_F(TcTest, TellsWhetherTheKernelHasFq) {
  const absl::Status status = tc_->ReplaceFq(device_, kTcRoot, TcHandle(1, 0), {10'000, 500, 1});
  if (status.ok()) {
    EXPECT_EQ(On(kTcRoot).kind, "fq");
    EXPECT_EQ(On(kTcRoot).limit, 10'000U);
  } else {
    EXPECT_TRUE(absl::IsNotFound(status)) << status;
  }
}

TEST_F(TcTest, TellsThatADeviceIsGone) {
  EXPECT_FALSE(tc_->ReplaceHtb(9999, TcHandle(1, 0), 0).ok());
}

}  // namespace
}  // namespace sluice
