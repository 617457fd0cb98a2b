// Who calls, from the name that gRPC gives to a connection's other end.
#ifndef SLUICE_CONTROLLER_API_PEER_ADDRESS_H_
#define SLUICE_CONTROLLER_API_PEER_ADDRESS_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "model/prefix.h"

namespace sluice {

// "ipv6:[fd73::1:2]:4711" or, as newer gRPC writes it, "ipv6:%5Bfd73::1:2%5D:4711";
// "ipv4:192.0.2.1:4711". InvalidArgument for anything else.
absl::StatusOr<IpAddress> ParsePeer(std::string_view peer);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_API_PEER_ADDRESS_H_
