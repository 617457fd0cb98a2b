#include "agent/meter/fabric_meter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "datapath/fake/fake_datapath.h"
#include "os/netlink/route_table_fake.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class FabricMeterTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(datapath_.Start({}).ok());
    routes_.AddDevice("fab0", "veth");
    routes_.counters["fab0"] = {{1'000, 10}, {2'000, 20}};
    PortCounts counts;
    counts.port = "fab0";
    counts.rx.tunnel = {900, 9};
    counts.tx.control = {100, 1};
    datapath_.fabric = {counts};
  }

  FakeClock clock_;
  FakeGate gate_{clock_};
  FakeDatapath datapath_{gate_};
  RouteTableFake routes_;
  FabricMeter meter_{datapath_, routes_};
};

TEST_F(FabricMeterTest, PutsBothCountsTogether) {
  PortCounts both = datapath_.fabric[0];
  both.rx.device = {1'000, 10};
  both.tx.device = {2'000, 20};
  const auto taken = meter_.Take(clock_.Now());
  ASSERT_TRUE(taken.ok()) << taken.status();
  EXPECT_THAT(*taken, ElementsAre(both));
}

TEST_F(FabricMeterTest, ReadsOnceASecond) {
  ASSERT_TRUE(meter_.Take(clock_.Now()).ok());
  clock_.Advance(absl::Milliseconds(999));
  EXPECT_THAT(*meter_.Take(clock_.Now()), IsEmpty());
  EXPECT_EQ(datapath_.Calls(FakeDatapath::Call::kReadFabric), 1);
  clock_.Advance(absl::Milliseconds(1));
  EXPECT_EQ(meter_.Take(clock_.Now())->size(), 1u);
}

TEST_F(FabricMeterTest, HalfOfItIsAnError) {
  routes_.fail_with = absl::InternalError("no netlink");
  EXPECT_FALSE(meter_.Take(clock_.Now()).ok());
  routes_.fail_with = absl::OkStatus();
  datapath_.Fail(FakeDatapath::Call::kReadFabric, absl::InternalError("no map"));
  clock_.Advance(absl::Seconds(1));
  EXPECT_FALSE(meter_.Take(clock_.Now()).ok());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(meter_.Take(clock_.Now()).ok());
}

}  // namespace
}  // namespace sluice
