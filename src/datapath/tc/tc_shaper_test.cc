#include "datapath/tc/tc_shaper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "os/netlink/route_table.h"
#include "os/netlink/route_table_fake.h"
#include "os/netlink/tc.h"
#include "os/netlink/tc_fake.h"
#include "os/netlink/test_namespace.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

constexpr BitRate kRate{100'000'000};
constexpr Bytes kBurst{125'000};
constexpr uint32_t kSlot = 7;
constexpr uint32_t kClass = SLUICE_CLASS(kSlot);

// On a kernel in memory.
class TcShaperTest : public ::testing::Test {
 protected:
  TcShaperTest() { Make(); }
  // A new agent on the same kernel.
  void Make() {
    auto routes = std::make_unique<RouteTableFake>();
    routes->AddDevice("slu0", "tun");
    routes_ = routes.get();
    auto shared = std::make_unique<Shared>(kernel_);
    shaper_ = std::make_unique<TcShaper>(std::move(routes), std::move(shared));
  }
  int Device() { return routes_->Device("slu0")->index; }
  Qdisc On(uint32_t parent) {
    const auto all = kernel_.Qdiscs(Device());
    for (const Qdisc& q : *all) {
      if (q.parent == parent) return q;
    }
    return {};
  }
  absl::StatusOr<Shaper::Started> StartHtb() { return shaper_->Start("slu0", "htb"); }

  // Lets several shapers use one kernel.
  class Shared final : public TrafficControl {
   public:
    explicit Shared(TrafficControlFake& kernel) : k_(kernel) {}
    absl::Status ReplaceHtb(int d, uint32_t h, uint32_t m) override {
      return k_.ReplaceHtb(d, h, m);
    }
    absl::Status ReplaceHtbClass(int d, const HtbClass& c) override {
      return k_.ReplaceHtbClass(d, c);
    }
    absl::Status ReplaceTbf(int d, uint32_t p, uint32_t h, const TbfParameters& t) override {
      return k_.ReplaceTbf(d, p, h, t);
    }
    absl::Status ReplaceBfifo(int d, uint32_t p, uint32_t h, uint32_t l) override {
      return k_.ReplaceBfifo(d, p, h, l);
    }
    absl::Status ReplaceBlackhole(int d, uint32_t p, uint32_t h) override {
      return k_.ReplaceBlackhole(d, p, h);
    }
    absl::Status ReplaceFq(int d, uint32_t p, uint32_t h, const FqParameters& f) override {
      return k_.ReplaceFq(d, p, h, f);
    }
    absl::Status DeleteQdisc(int d, uint32_t p) override { return k_.DeleteQdisc(d, p); }
    absl::Status DeleteClass(int d, uint32_t id) override { return k_.DeleteClass(d, id); }
    absl::StatusOr<std::vector<Qdisc>> Qdiscs(int d) override { return k_.Qdiscs(d); }
    absl::StatusOr<std::vector<HtbClassState>> HtbClasses(int d) override {
      return k_.HtbClasses(d);
    }

   private:
    TrafficControlFake& k_;
  };

  TrafficControlFake kernel_;
  RouteTableFake* routes_ = nullptr;
  std::unique_ptr<TcShaper> shaper_;
};

TEST_F(TcShaperTest, ChoosesFqWhereTheKernelHasIt) {
  const auto started = shaper_->Start("slu0", "auto");
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->mode, SLUICE_SHAPER_EDT);
  EXPECT_EQ(started->choice.choice, "edt+fq");
  EXPECT_EQ(On(kTcRoot).kind, "fq");
  EXPECT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  EXPECT_TRUE(shaper_->Verify({kSlot}).ok());
}

TEST_F(TcShaperTest, FallsBackToHtbAndSaysWhy) {
  kernel_.has_fq = false;
  const auto started = shaper_->Start("slu0", "auto");
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->mode, SLUICE_SHAPER_HTB);
  EXPECT_EQ(started->choice.name, "shaper");
  EXPECT_EQ(started->choice.choice, "htb");
  EXPECT_EQ(started->choice.reason, "the kernel has no fq");
}

TEST_F(TcShaperTest, DoesNotReplaceWhatWasAskedFor) {
  kernel_.has_fq = false;
  EXPECT_TRUE(absl::IsNotFound(shaper_->Start("slu0", "edt").status()));
  EXPECT_TRUE(absl::IsInvalidArgument(shaper_->Start("slu0", "fast").status()));
  EXPECT_TRUE(absl::IsNotFound(shaper_->Start("none", "auto").status()));
  kernel_.has_htb = false;
  EXPECT_TRUE(absl::IsNotFound(StartHtb().status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(shaper_->Apply(kSlot, kRate, kBurst).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(shaper_->Verify({})));
}

TEST_F(TcShaperTest, RefusesWhatNoClassTakes) {
  ASSERT_TRUE(StartHtb().ok());
  const Qdisc root = On(kTcRoot);
  EXPECT_EQ(root.handle, SLUICE_HTB_HANDLE);
  EXPECT_EQ(On(SLUICE_HTB_HANDLE | root.default_class).kind, "blackhole");
}

TEST_F(TcShaperTest, MakesAClassAndKeepsIt) {
  ASSERT_TRUE(StartHtb().ok());
  const auto words = shaper_->Apply(kSlot, kRate, kBurst);
  ASSERT_TRUE(words.ok()) << words.status();
  const ShaperPlan plan = *PlanHtb(kRate, kBurst, 1500);
  EXPECT_EQ(words->queue_ns, plan.words.queue_ns);
  EXPECT_EQ(words->burst_ns, plan.words.burst_ns);
  EXPECT_EQ(On(kClass).tbf.limit, plan.leaf.limit);
  EXPECT_EQ(On(kClass).tbf.max_size, plan.leaf.max_size);
  EXPECT_TRUE(shaper_->Verify({kSlot}).ok());
  const int changes = kernel_.changes;
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  EXPECT_EQ(kernel_.changes, changes) << "a renewal changes nothing";
  ASSERT_TRUE(shaper_->Apply(kSlot, BitRate{2 * kRate.bps}, kBurst).ok());
  EXPECT_GT(kernel_.changes, changes);
  EXPECT_TRUE(shaper_->Verify({kSlot}).ok());
}

TEST_F(TcShaperTest, ClosesAClass) {
  ASSERT_TRUE(StartHtb().ok());
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  ASSERT_TRUE(shaper_->Close(kSlot).ok());
  EXPECT_TRUE(shaper_->Close(kSlot).ok()) << "closing it again is OK";
  EXPECT_EQ(On(kClass).kind, "");
  EXPECT_TRUE(shaper_->Verify({}).ok());
  EXPECT_FALSE(shaper_->Verify({kSlot}).ok());
}

TEST_F(TcShaperTest, RefusesASlotWithoutAClass) {
  ASSERT_TRUE(StartHtb().ok());
  EXPECT_TRUE(absl::IsOutOfRange(shaper_->Apply(SLUICE_MAX_SLOTS, kRate, kBurst).status()));
}

TEST_F(TcShaperTest, TakesATreeOverWithItsClasses) {
  ASSERT_TRUE(StartHtb().ok());
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  Make();
  const auto started = shaper_->Start("slu0", "auto");
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(started->mode, SLUICE_SHAPER_HTB) << "although the kernel has fq";
  EXPECT_EQ(On(kClass).kind, "tbf") << "the queue is still there";
  EXPECT_FALSE(shaper_->Verify({kSlot}).ok()) << "not known to be right before Apply";
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  EXPECT_TRUE(shaper_->Verify({kSlot}).ok());
}

TEST_F(TcShaperTest, NoticesWhatWasChanged) {
  ASSERT_TRUE(StartHtb().ok());
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  HtbClass faster = (*kernel_.HtbClasses(Device()))[1].htb;
  ASSERT_EQ(faster.id, kClass);
  faster.rate *= 2;
  ASSERT_TRUE(kernel_.ReplaceHtbClass(Device(), faster).ok());
  EXPECT_THAT(std::string(shaper_->Verify({kSlot}).message()), HasSubstr("another rate"));
  ASSERT_TRUE(kernel_.DeleteQdisc(Device(), kClass).ok());
  EXPECT_FALSE(shaper_->Verify({kSlot}).ok());
  ASSERT_TRUE(kernel_.DeleteQdisc(Device(), kTcRoot).ok());
  EXPECT_THAT(std::string(shaper_->Verify({}).message()), HasSubstr("not the shaper's htb"));
}

TEST_F(TcShaperTest, NoticesAnotherDeviceOfThatName) {
  ASSERT_TRUE(StartHtb().ok());
  routes_->AddDevice("slu0", "tun");
  EXPECT_THAT(std::string(shaper_->Verify({}).message()), HasSubstr("is another"));
}

TEST_F(TcShaperTest, RemovesEverything) {
  ASSERT_TRUE(StartHtb().ok());
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  ASSERT_TRUE(shaper_->Remove().ok());
  EXPECT_TRUE(kernel_.Qdiscs(Device())->empty());
  EXPECT_TRUE(kernel_.HtbClasses(Device())->empty());
  EXPECT_TRUE(shaper_->Remove().ok());
}

TEST_F(TcShaperTest, DoesNotClaimAClassThatTheKernelRefused) {
  ASSERT_TRUE(StartHtb().ok());
  kernel_.fail_with = absl::ResourceExhaustedError("no memory");
  EXPECT_FALSE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  kernel_.fail_with = absl::OkStatus();
  ASSERT_TRUE(shaper_->Apply(kSlot, kRate, kBurst).ok());
  EXPECT_TRUE(shaper_->Verify({kSlot}).ok());
}

// On the real kernel: what it accepts reads back as planned.
TEST(TcShaperKernelTest, ShapesEveryRate) {
  const TestNamespace ns;
  ns.In([] {
    auto routes = RtnetlinkRouteTable::Open();
    ASSERT_TRUE(routes.ok() && (*routes)->CreateDevice("t0", "bridge").ok());
    ASSERT_TRUE((*routes)->SetUp("t0", true).ok());
    auto shaper = TcShaper::Open();
    ASSERT_TRUE(shaper.ok()) << shaper.status();
    const auto started = (*shaper)->Start("t0", "htb");
    ASSERT_TRUE(started.ok()) << started.status();
    std::vector<uint32_t> open;
    for (const uint64_t bps : {8'000UL, 12'345UL, 1'000'000UL, 100'000'000UL, 500'000'000UL,
                               34'359'738'368UL, 399'999'999'999UL, 400'000'000'000UL}) {
      for (const uint64_t burst : {3'000UL, 32'768UL, 1UL << 26}) {
        const auto slot = static_cast<uint32_t>(open.size() + 1);
        const auto words = (*shaper)->Apply(slot, BitRate{bps}, Bytes{burst});
        ASSERT_TRUE(words.ok()) << bps << " " << burst << ": " << words.status();
        open.push_back(slot);
      }
    }
    const absl::Status verified = (*shaper)->Verify(open);
    EXPECT_TRUE(verified.ok()) << verified;
    // A restarted agent finds the same and breaks nothing.
    auto next = TcShaper::Open();
    ASSERT_TRUE(next.ok() && (*next)->Start("t0", "auto").ok());
    ASSERT_TRUE((*next)->Apply(1, BitRate{8'000}, Bytes{3'000}).ok());
    EXPECT_TRUE((*next)->Verify({1}).ok());
    EXPECT_TRUE((*shaper)->Verify(open).ok());
    for (const uint32_t slot : open) EXPECT_TRUE((*shaper)->Close(slot).ok());
    EXPECT_FALSE((*shaper)->Verify({1}).ok());
    EXPECT_TRUE((*shaper)->Remove().ok());
    EXPECT_FALSE((*shaper)->Verify({}).ok());
  });
}

TEST(TcShaperKernelTest, HoldsThousandsOfLinks) {
  const TestNamespace ns;
  ns.In([] {
    auto routes = RtnetlinkRouteTable::Open();
    ASSERT_TRUE(routes.ok() && (*routes)->CreateDevice("t0", "bridge").ok());
    auto shaper = TcShaper::Open();
    ASSERT_TRUE(shaper.ok() && (*shaper)->Start("t0", "htb").ok());
    std::vector<uint32_t> open;
    for (uint32_t slot = 1; slot <= 3000; ++slot) {
      ASSERT_TRUE((*shaper)->Apply(slot, kRate, kBurst).ok()) << slot;
      open.push_back(slot);
    }
    ASSERT_TRUE((*shaper)->Apply(SLUICE_MAX_SLOTS - 1, kRate, kBurst).ok());
    open.push_back(SLUICE_MAX_SLOTS - 1);
    const absl::Status verified = (*shaper)->Verify(open);
    EXPECT_TRUE(verified.ok()) << verified;
  });
}

}  // namespace
}  // namespace sluice
