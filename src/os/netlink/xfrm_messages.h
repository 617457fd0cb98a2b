// The messages of linux/xfrm.h, apart from the socket so that tests can read them back.
#ifndef SLUICE_OS_NETLINK_XFRM_MESSAGES_H_
#define SLUICE_OS_NETLINK_XFRM_MESSAGES_H_

#include <optional>
#include <string>

#include "os/netlink/netlink_socket.h"
#include "os/netlink/xfrm_interface.h"

namespace sluice {

// Packets that may overtake one another within an SA; the most that the kernel takes.
inline constexpr uint32_t kXfrmReplayWindow = 4096;

NetlinkMessage EncodeAddSa(const XfrmSa& sa, const XfrmKey& key);
NetlinkMessage EncodeUpdateSa(const XfrmSa& sa);
NetlinkMessage EncodeDeleteSa(const XfrmSa& sa);
NetlinkMessage EncodeListSas();
// None: not an ESP tunnel SA of an xfrm interface, or cut short.
std::optional<XfrmSaState> DecodeSa(const nlmsghdr* message);

NetlinkMessage EncodeSetPolicy(const XfrmPolicy& policy);
NetlinkMessage EncodeDeletePolicy(const XfrmPolicy& policy);
NetlinkMessage EncodeListPolicies();
// None: no policy of an xfrm interface, or cut short. One that is not as EncodeSetPolicy
// makes it has reqid 0.
std::optional<XfrmPolicy> DecodePolicy(const nlmsghdr* message);

NetlinkMessage EncodeCreateXfrmDevice(const std::string& name, uint32_t if_id);
// The number is 0 for a device of another kind.
XfrmDevice DecodeXfrmDevice(const nlmsghdr* message);

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_XFRM_MESSAGES_H_
