// Names of hosts to addresses.
#ifndef SLUICE_APPS_AGENT_RESOLVE_H_
#define SLUICE_APPS_AGENT_RESOLVE_H_

#include <string>

#include "absl/status/statusor.h"
#include "model/prefix.h"

namespace sluice {

// "HOST:PORT", where HOST is an address ([…] around IPv6) or a name that is
// looked up (getaddrinfo(3)); may wait for the name server.
absl::StatusOr<Endpoint> ResolveEndpoint(const std::string& host_port);

}  // namespace sluice

#endif  // SLUICE_APPS_AGENT_RESOLVE_H_
