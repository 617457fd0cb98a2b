#include "controller/policy/mismatch.h"

#include <gtest/gtest.h>

namespace sluice {
namespace {

constexpr uint64_t kMB = 1'000'000;

class MismatchTest : public testing::Test {
 protected:
  // Counts every 200 ms for `seconds`, at these bytes a second.
  void Pass(int seconds, uint64_t sent, uint64_t received) {
    for (int i = 0; i < 5 * seconds; ++i) {
      now_ = now_ + absl::Milliseconds(200);
      counts_.sent.value += sent / 5;
      counts_.received.value += received / 5;
      comparison_ = Compared(comparison_, counts_, Bytes{kMB}, now_);
    }
  }
  bool Differs() const { return comparison_.differs_since.has_value(); }

  Comparison comparison_;
  EndCounts counts_;
  LedgerTime now_;
};

TEST_F(MismatchTest, WhatAgreesIsQuiet) {
  Pass(100, kMB, kMB);
  EXPECT_FALSE(Differs());
  counts_.sent.value += kMB / 2;  // a report that is younger than the other
  Pass(1, kMB, kMB);
  EXPECT_FALSE(Differs());
}

TEST_F(MismatchTest, OrdinaryLossIsQuietAndMoreIsNot) {
  Pass(100, kMB, kMB * 9 / 10);
  EXPECT_FALSE(Differs());
  Pass(10, kMB, kMB / 2);
  EXPECT_TRUE(Differs());
  Pass(30, kMB, kMB * 5 / 4);  // it catches up
  EXPECT_FALSE(Differs());
}

TEST_F(MismatchTest, ASenderThatSaysTooLittleIsFoundHoweverSlowly) {
  Pass(10, kMB, kMB + kMB / 64);
  EXPECT_FALSE(Differs()) << "headers of fragments";
  Pass(100, kMB, kMB + kMB / 16);
  ASSERT_TRUE(Differs());
  EXPECT_LT(*comparison_.differs_since, now_);
  const LedgerTime since = *comparison_.differs_since;
  Pass(50, kMB, kMB + kMB / 16);
  EXPECT_EQ(comparison_.differs_since, since) << "since it first differed";
}

TEST_F(MismatchTest, InFlightIsASecondAndTheBurst) {
  EXPECT_EQ(InFlight(BitRate{8 * kMB}, Bytes{1'000}), (Bytes{kMB + 1'000 + (64 << 10)}));
}

}  // namespace
}  // namespace sluice
