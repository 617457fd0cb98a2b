// What the kernel makes of it. A kernel without ESP or xfrm interfaces does only a part.
#include "os/netlink/xfrm.h"

#include <gtest/gtest.h>

#include "os/netlink/route_table.h"
#include "os/netlink/test_namespace.h"
#include "os/netlink/test_xfrm.h"

namespace sluice {
namespace {

class XfrmTest : public ::testing::Test {
 protected:
  void SetUp() override {
    auto opened = ns_.In([] { return NetlinkXfrm::Open(); });
    if (absl::IsUnimplemented(opened.status())) GTEST_SKIP() << opened.status();
    ASSERT_TRUE(opened.ok()) << opened.status();
    xfrm_ = std::move(*opened);
  }

  TestNamespace ns_;
  std::unique_ptr<NetlinkXfrm> xfrm_;
};

TEST_F(XfrmTest, PoliciesReadBackAreReplacedAndGo) {
  for (const auto direction : {XfrmDirection::kIn, XfrmDirection::kOut, XfrmDirection::kForward}) {
    for (const bool v6 : {false, true}) {
      XfrmPolicy policy = TestPolicy(direction, v6);
      ASSERT_TRUE(xfrm_->SetPolicy(policy).ok());
      EXPECT_EQ(*xfrm_->Policies(9), std::vector{policy});
      policy.reqid = 78;
      policy.spi = 0x4444;
      policy.priority = 900;
      ASSERT_TRUE(xfrm_->SetPolicy(policy).ok());
      EXPECT_EQ(*xfrm_->Policies(9), std::vector{policy}) << "replaced";
      EXPECT_TRUE(xfrm_->Policies(10)->empty()) << "another interface's";
      xfrm_->AwaitPolicies();
      EXPECT_TRUE(xfrm_->DeletePolicy(policy).ok());
      EXPECT_TRUE(xfrm_->DeletePolicy(policy).ok()) << "deleting it again is OK";
      EXPECT_TRUE(xfrm_->Policies(9)->empty());
    }
  }
}

TEST_F(XfrmTest, SasReadBackAndAChangeKeepsTheirCounters) {
  for (const bool v6 : {false, true}) {
    XfrmSa sa = TestSa(v6);
    sa.mark = 0x51;
    const absl::Status added = xfrm_->AddSa(sa, TestXfrmKey());
    if (!added.ok()) GTEST_SKIP() << "this kernel has no ESP: " << added;
    EXPECT_TRUE(absl::IsAlreadyExists(xfrm_->AddSa(sa, TestXfrmKey())));
    auto listed = xfrm_->Sas(9);
    ASSERT_TRUE(listed.ok()) << listed.status();
    ASSERT_EQ(listed->size(), 1U);
    ExpectSameSa((*listed)[0].sa, sa);
    EXPECT_EQ((*listed)[0].replay_window, 4096U);
    EXPECT_TRUE((*listed)[0].extended);
    sa.limits = {5000, 20, 3600};
    sa.mark = 0x52;
    ASSERT_TRUE(xfrm_->UpdateSa(sa).ok());
    ExpectSameSa((*xfrm_->Sas(9))[0].sa, sa);
    EXPECT_TRUE(xfrm_->Sas(10)->empty());
    EXPECT_TRUE(xfrm_->DeleteSa(sa).ok());
    EXPECT_TRUE(xfrm_->DeleteSa(sa).ok()) << "deleting it again is OK";
    EXPECT_TRUE(xfrm_->Sas(9)->empty());
    EXPECT_TRUE(absl::IsNotFound(xfrm_->UpdateSa(sa)));
  }
}

TEST_F(XfrmTest, MakesAndFindsADevice) {
  const absl::Status made = xfrm_->CreateDevice("x0", 7);
  if (absl::IsUnimplemented(made)) GTEST_SKIP() << "this kernel has no xfrm interfaces: " << made;
  ASSERT_TRUE(made.ok()) << made;
  EXPECT_TRUE(absl::IsAlreadyExists(xfrm_->CreateDevice("x0", 8)));
  EXPECT_TRUE(absl::IsAlreadyExists(xfrm_->CreateDevice("x1", 7))) << "the number is taken";
  ASSERT_TRUE(xfrm_->SetAlias("x0", "a name").ok());
  const auto device = xfrm_->Device("x0");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(device->if_id, 7U);
  EXPECT_EQ(device->alias, "a name");
}

TEST_F(XfrmTest, TellsADeviceOfAnotherKind) {
  EXPECT_TRUE(absl::IsNotFound(xfrm_->Device("x0").status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(xfrm_->Device("lo").status()));
}

}  // namespace
}  // namespace sluice
