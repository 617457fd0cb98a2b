// Joining a fleet with a one-time token.
#ifndef SLUICE_AGENT_SESSION_JOIN_H_
#define SLUICE_AGENT_SESSION_JOIN_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "agent/apply/identity_store.h"
#include "agent/apply/node_setup.h"
#include "model/prefix.h"
#include "proto/agent.pb.h"

namespace sluice {

// "HOST:PORT" to an endpoint; looks names up.
using Resolver = std::function<absl::StatusOr<Endpoint>(const std::string&)>;
// CallEnrol (enrol_client.h), or a test's.
using EnrolCall = std::function<absl::StatusOr<agent::v1::EnrolReply>(
    const Endpoint&, const agent::v1::EnrolRequest&, absl::Duration)>;

inline constexpr absl::Duration kJoinTimeout = absl::Seconds(10);

// Enrols the node through the token's tunnel, stores what it learns, and takes
// that tunnel away again. Repeating a join that was cut short is safe: it uses
// the same keys. AlreadyExists if the node is enrolled. The errors say what
// was wrong and what to do.
absl::StatusOr<Enrolment> Join(const std::string& token_text, NodeSetup& setup,
                               IdentityStore& store, const Resolver& resolve,
                               const EnrolCall& enrol);

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_JOIN_H_
