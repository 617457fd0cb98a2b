#include "model/lease.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

namespace sluice {
namespace {

TEST(LeaseTest, ExpiresALifetimeAfterItsAnchor) {
  Lease lease;
  lease.anchor = BootTime{1'000};
  lease.lifetime = absl::Nanoseconds(30);
  EXPECT_EQ(lease.ExpiresAt(), BootTime{1'030});
}

TEST(LeaseTest, ExpiryDoesNotWrapIntoThePast) {
  Lease lease;
  lease.anchor = BootTime{std::numeric_limits<int64_t>::max() - 1};
  lease.lifetime = absl::Hours(24);
  EXPECT_GT(lease.ExpiresAt(), lease.anchor);
}

TEST(DropReasonTest, EveryReasonHasANameAndWordsOfItsOwn) {
  std::set<std::string_view> names;
  std::set<std::string_view> words;
  for (int i = 0; i < SLUICE_DROP_REASON_COUNT; ++i) {
    auto reason = static_cast<sluice_drop_reason>(i);
    EXPECT_FALSE(DropReasonName(reason).empty());
    EXPECT_FALSE(DropReasonWords(reason).empty());
    names.insert(DropReasonName(reason));
    words.insert(DropReasonWords(reason));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(SLUICE_DROP_REASON_COUNT));
  EXPECT_EQ(words.size(), static_cast<size_t>(SLUICE_DROP_REASON_COUNT));
  EXPECT_EQ(DropReasonName(SLUICE_DROP_EXPIRED), "expired");
  EXPECT_EQ(DropReasonName(SLUICE_DROP_REASON_COUNT), "unknown");
}

}  // namespace
}  // namespace sluice
