// The controller's Config, from the wire.
#ifndef SLUICE_AGENT_APPLY_CONFIG_CODEC_H_
#define SLUICE_AGENT_APPLY_CONFIG_CODEC_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "agent/reconcile/node_config.h"
#include "proto/agent.pb.h"

namespace sluice {

// InvalidArgument names the field that is wrong. A link of which `node` is not
// the end that its role says, a peer that is `node` itself, or anything named
// twice is wrong too.
absl::StatusOr<NodeConfig> NodeConfigFromProto(std::string_view node,
                                               const agent::v1::Config& proto);

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_CONFIG_CODEC_H_
