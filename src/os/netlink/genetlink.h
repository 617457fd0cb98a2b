// Generic netlink (linux/genetlink.h): families by name.
#ifndef SLUICE_OS_NETLINK_GENETLINK_H_
#define SLUICE_OS_NETLINK_GENETLINK_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "os/netlink/netlink_socket.h"

namespace sluice {

// The kernel's number for a generic netlink family, such as "wireguard".
// NotFound if the kernel has no such family. `socket` is a NETLINK_GENERIC one.
absl::StatusOr<uint16_t> ResolveGenetlinkFamily(NetlinkSocket& socket, const std::string& name);

// A message to `family` with its generic header.
NetlinkMessage GenetlinkMessage(uint16_t family, uint8_t command, uint8_t version, uint16_t flags);

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_GENETLINK_H_
