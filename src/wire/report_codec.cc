#include "wire/report_codec.h"

#include <array>
#include <string>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/strings.h"
#include "wire/lease_codec.h"

namespace sluice {
namespace {

constexpr size_t kMaxWords = 512;
// A few times as many as there are, so that newer agents may have more.
constexpr int kMaxDropReasons = 64;
constexpr uint64_t kGateFlag = uint64_t{1} << 63;

// The reason's index, or SLUICE_DROP_REASON_COUNT for a name that is not known.
int ReasonIndex(std::string_view name) {
  int i = 0;
  while (i < SLUICE_DROP_REASON_COUNT && DropReasonName(static_cast<sluice_drop_reason>(i)) != name)
    ++i;
  return i;
}

absl::Status CheckCounters(const agent::v1::LinkReport& proto) {
  auto bad = [&proto](std::string_view field) {
    return absl::InvalidArgumentError(
        StrCat("report of link ", ForMessage(proto.link()), ": ", field, " is out of range"));
  };
  if (proto.admitted_bytes() >= kGateFlag) return bad("admitted_bytes");
  if (proto.admitted_packets() >= kGateFlag) return bad("admitted_packets");
  if (proto.volume_limit() >= kGateFlag) return bad("volume_limit");
  return absl::OkStatus();
}

}  // namespace

std::string CleanWords(std::string_view text) {
  std::string out(text.substr(0, kMaxWords));
  for (char& c : out)
    if (!absl::ascii_isprint(c)) c = '?';
  return out;
}

agent::v1::DropCounters ToProto(const Drops& drops) {
  agent::v1::DropCounters proto;
  for (size_t i = 0; i < drops.size(); ++i) {
    if (drops[i] == DropCount{}) continue;
    agent::v1::DropCount& count = *proto.add_counts();
    count.set_reason(std::string(DropReasonName(static_cast<sluice_drop_reason>(i))));
    count.set_packets(drops[i].packets);
    count.set_bytes(drops[i].bytes);
  }
  return proto;
}

absl::StatusOr<Drops> FromProto(const agent::v1::DropCounters& proto) {
  if (proto.counts_size() > kMaxDropReasons)
    return absl::InvalidArgumentError("drops: more reasons than there can be");
  Drops drops{};
  std::array<bool, SLUICE_DROP_REASON_COUNT> seen{};
  for (const agent::v1::DropCount& count : proto.counts()) {
    int i = ReasonIndex(count.reason());
    if (i == SLUICE_DROP_REASON_COUNT) continue;
    if (seen[i])
      return absl::InvalidArgumentError(
          StrCat("drops: reason ", ForMessage(count.reason()), " comes twice"));
    seen[i] = true;
    drops[i] = DropCount{count.packets(), count.bytes()};
  }
  return drops;
}

agent::v1::LinkReport ToProto(const LinkReport& report) {
  agent::v1::LinkReport proto;
  proto.set_link(report.side.link.ToString());
  proto.set_role(ToProto(report.side.role));
  proto.set_lease_sequence(report.lease_sequence);
  proto.set_admitted_bytes(report.admitted.value);
  proto.set_admitted_packets(report.admitted_packets);
  proto.set_volume_limit(report.volume_limit.value);
  proto.set_expires_in_ns(absl::ToInt64Nanoseconds(report.expires_in));
  proto.set_closed(report.closed);
  *proto.mutable_drops() = ToProto(report.drops);
  proto.set_fault(CleanWords(report.fault));
  return proto;
}

absl::StatusOr<LinkReport> FromProto(const agent::v1::LinkReport& proto) {
  LinkReport report;
  SLUICE_ASSIGN_OR_RETURN(report.side.link, ParseLinkName(proto.link()));
  SLUICE_ASSIGN_OR_RETURN(report.side.role, FromProto(proto.role()));
  SLUICE_RETURN_IF_ERROR(CheckCounters(proto));
  SLUICE_ASSIGN_OR_RETURN(report.drops, FromProto(proto.drops()));
  report.lease_sequence = proto.lease_sequence();
  report.admitted = Bytes{proto.admitted_bytes()};
  report.admitted_packets = proto.admitted_packets();
  report.volume_limit = Bytes{proto.volume_limit()};
  report.expires_in = absl::Nanoseconds(proto.expires_in_ns());
  report.closed = proto.closed();
  report.fault = CleanWords(proto.fault());
  return report;
}

}  // namespace sluice
