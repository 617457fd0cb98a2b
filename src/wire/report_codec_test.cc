#include "wire/report_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace sluice {
namespace {

using ::testing::HasSubstr;

LinkReport GoodReport() {
  LinkReport report;
  report.side = {{"a1", "b1"}, Role::kReceive};
  report.lease_sequence = 5;
  report.admitted = Bytes{(uint64_t{1} << 63) - 1};
  report.admitted_packets = 1'000;
  report.volume_limit = Bytes{2'000'000};
  report.expires_in = -absl::Nanoseconds(17);
  report.closed = true;
  report.drops[SLUICE_DROP_VOLUME] = {3, 4'500};
  report.drops[SLUICE_DROP_KILL_SWITCH] = {0, 1};
  report.fault = "no route to b1";
  return report;
}

TEST(ReportCodecTest, ReportsComeBackWhole) {
  LinkReport report = GoodReport();
  absl::StatusOr<LinkReport> back = FromProto(ToProto(report));
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(back->side, report.side);
  EXPECT_EQ(back->lease_sequence, report.lease_sequence);
  EXPECT_EQ(back->admitted, report.admitted);
  EXPECT_EQ(back->admitted_packets, report.admitted_packets);
  EXPECT_EQ(back->volume_limit, report.volume_limit);
  EXPECT_EQ(back->expires_in, report.expires_in);
  EXPECT_EQ(back->closed, report.closed);
  EXPECT_EQ(back->drops, report.drops);
  EXPECT_EQ(back->fault, report.fault);
}

TEST(ReportCodecTest, SaysNothingOfDropsThatNeverHappened) {
  EXPECT_EQ(ToProto(Drops{}).counts_size(), 0);
  EXPECT_EQ(ToProto(GoodReport().drops).counts_size(), 2);
}

TEST(ReportCodecTest, EveryReasonComesBack) {
  Drops drops{};
  for (size_t i = 0; i < drops.size(); ++i) drops[i] = {i + 1, i + 100};
  EXPECT_EQ(*FromProto(ToProto(drops)), drops);
}

TEST(ReportCodecTest, RefusesBadLinksAndRoles) {
  agent::v1::LinkReport proto = ToProto(GoodReport());
  proto.set_link("a1");
  EXPECT_FALSE(FromProto(proto).ok());
  proto = ToProto(GoodReport());
  proto.clear_role();
  EXPECT_FALSE(FromProto(proto).ok());
}

TEST(ReportCodecTest, RefusesCountersThatNoGateCanHave) {
  constexpr uint64_t kFlag = uint64_t{1} << 63;
  agent::v1::LinkReport proto = ToProto(GoodReport());
  proto.set_admitted_bytes(kFlag);
  EXPECT_THAT(std::string(FromProto(proto).status().message()), HasSubstr("admitted_bytes"));
  proto = ToProto(GoodReport());
  proto.set_admitted_packets(kFlag);
  EXPECT_THAT(std::string(FromProto(proto).status().message()), HasSubstr("admitted_packets"));
  proto = ToProto(GoodReport());
  proto.set_volume_limit(kFlag);
  EXPECT_THAT(std::string(FromProto(proto).status().message()), HasSubstr("volume_limit"));
}

TEST(ReportCodecTest, RefusesRepeatedReasonsAndFloodsAndSkipsUnknownOnes) {
  agent::v1::DropCounters proto = ToProto(GoodReport().drops);
  agent::v1::DropCount& unknown = *proto.add_counts();
  unknown.set_reason("reason-of-a-later-version");
  unknown.set_packets(9);
  EXPECT_EQ(*FromProto(proto), GoodReport().drops);
  agent::v1::DropCounters twice = proto;
  *twice.add_counts() = proto.counts(0);
  EXPECT_FALSE(FromProto(twice).ok());
  for (int i = 0; i < 65; ++i) proto.add_counts()->set_reason("r");
  EXPECT_FALSE(FromProto(proto).ok());
}

TEST(ReportCodecTest, NoNodeWritesToAnOperatorsTerminal) {
  EXPECT_EQ(CleanWords("ok\x1b[2J\xff\n"), "ok?[2J??");
  EXPECT_EQ(CleanWords(std::string(600, 'x')).size(), 512u);
  agent::v1::LinkReport proto = ToProto(GoodReport());
  proto.set_fault("\x1b]0;x\x07");
  EXPECT_EQ(FromProto(proto)->fault, "?]0;x?");
}

TEST(ReportCodecTest, EndlessExpiryStaysInRange) {
  LinkReport report = GoodReport();
  report.expires_in = absl::InfiniteDuration();
  EXPECT_EQ(ToProto(report).expires_in_ns(), std::numeric_limits<int64_t>::max());
}

}  // namespace
}  // namespace sluice
