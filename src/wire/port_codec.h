// What comes and goes by fabric ports, to and from the wire. Pure functions.
#ifndef SLUICE_WIRE_PORT_CODEC_H_
#define SLUICE_WIRE_PORT_CODEC_H_

#include <vector>

#include "absl/status/statusor.h"
#include "model/port_counts.h"
#include "proto/agent.pb.h"

namespace sluice {

void AddPortCounts(const std::vector<PortCounts>& ports, agent::v1::Heartbeat& heartbeat);
// InvalidArgument for a port that has no name or comes twice, a counter with bit 63 set, and
// more ports than any node has.
absl::StatusOr<std::vector<PortCounts>> PortCountsOf(const agent::v1::Heartbeat& heartbeat);

}  // namespace sluice

#endif  // SLUICE_WIRE_PORT_CODEC_H_
