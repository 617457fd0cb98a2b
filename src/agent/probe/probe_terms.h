// What the controller lets a node's link probes do.
#ifndef SLUICE_AGENT_PROBE_PROBE_TERMS_H_
#define SLUICE_AGENT_PROBE_PROBE_TERMS_H_

#include <set>
#include <string>

#include "proto/agent.pb.h"

namespace sluice {

struct ProbeTerms {
  agent::v1::SignedCredential credential;  // empty: none yet
  std::set<std::string> targets;           // nodes to prove a way to
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PROBE_TERMS_H_
