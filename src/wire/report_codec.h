// What gates report, to and from the wire. Pure functions.
#ifndef SLUICE_WIRE_REPORT_CODEC_H_
#define SLUICE_WIRE_REPORT_CODEC_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "model/lease.h"
#include "proto/agent.pb.h"

namespace sluice {

// Words of a node that people will read: printable ASCII, everything else as
// "?", at most 512 characters. Agents apply it before sending (protobuf takes
// only UTF-8) and controllers after receiving (no node writes to a terminal).
std::string CleanWords(std::string_view text);

// Reasons that never happened are left out.
agent::v1::DropCounters ToProto(const Drops& drops);
// Skips reasons that this version does not know; refuses a repeated one.
absl::StatusOr<Drops> FromProto(const agent::v1::DropCounters& proto);

agent::v1::LinkReport ToProto(const LinkReport& report);
// InvalidArgument names the field: link, role, or a counter with bit 63 set.
absl::StatusOr<LinkReport> FromProto(const agent::v1::LinkReport& proto);

}  // namespace sluice

#endif  // SLUICE_WIRE_REPORT_CODEC_H_
