// Networks of the node's own ports.
#ifndef SLUICE_AGENT_APPLY_ADDRESSES_H_
#define SLUICE_AGENT_APPLY_ADDRESSES_H_

#include "model/prefix.h"
#include "os/netlink/route_interface.h"

namespace sluice {

// The on-link prefix that the address lies in.
IpPrefix NetworkOf(const InterfaceAddress& address);

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_ADDRESSES_H_
