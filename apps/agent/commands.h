// What the agent's subcommands do.
#ifndef SLUICE_APPS_AGENT_COMMANDS_H_
#define SLUICE_APPS_AGENT_COMMANDS_H_

#include "absl/status/status.h"
#include "apps/agent/flags.h"

namespace sluice {

// Enrols the node and ends.
absl::Status JoinCommand(const AgentFlags& flags);
// Enforces leases until SIGTERM or SIGINT. Leases outlive it, to their ends.
absl::Status RunCommand(const AgentFlags& flags);
// Closes the accelerator port and takes away all that the agent ever made.
absl::Status LeaveCommand(const AgentFlags& flags);

}  // namespace sluice

#endif  // SLUICE_APPS_AGENT_COMMANDS_H_
