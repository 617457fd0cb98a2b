// What nodes say of their ports, to and from protobuf.
#ifndef SLUICE_WIRE_WIRING_CODEC_H_
#define SLUICE_WIRE_WIRING_CODEC_H_

#include "absl/status/statusor.h"
#include "model/wiring.h"
#include "proto/agent.pb.h"

namespace sluice {

// More of anything than this is no honest report.
inline constexpr int kMostPorts = 1024;
inline constexpr int kMostNeighbours = 1024;
inline constexpr int kMostClaims = 64;

agent::v1::Wiring ToProto(const NodeWiring& wiring);
// InvalidArgument in words for what no agent would say. Words are cleaned.
absl::StatusOr<NodeWiring> WiringFromProto(const agent::v1::Wiring& proto);

}  // namespace sluice

#endif  // SLUICE_WIRE_WIRING_CODEC_H_
