// The one call that makes a node a member of a fleet.
#ifndef SLUICE_AGENT_SESSION_ENROL_CLIENT_H_
#define SLUICE_AGENT_SESSION_ENROL_CLIENT_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/prefix.h"
#include "proto/agent.pb.h"

namespace sluice {

// Waits up to `timeout`. Unavailable or DeadlineExceeded if the controller was
// not reached; else what the controller said.
absl::StatusOr<agent::v1::EnrolReply> CallEnrol(const Endpoint& controller,
                                                const agent::v1::EnrolRequest& request,
                                                absl::Duration timeout);

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_ENROL_CLIENT_H_
