#include "os/netlink/genetlink.h"

#include <linux/genetlink.h>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {

NetlinkMessage GenetlinkMessage(uint16_t family, uint8_t command, uint8_t version, uint16_t flags) {
  NetlinkMessage message(family, flags);
  auto* header = message.Extra<genlmsghdr>();
  header->cmd = command;
  header->version = version;
  return message;
}

absl::StatusOr<uint16_t> ResolveGenetlinkFamily(NetlinkSocket& socket, const std::string& name) {
  NetlinkMessage request = GenetlinkMessage(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1, 0);
  request.PutString(CTRL_ATTR_FAMILY_NAME, name);
  uint16_t id = 0;
  const std::string what = StrCat("resolving the generic netlink family ", name);
  SLUICE_RETURN_IF_ERROR(socket.Query(request, what, [&](const nlmsghdr* reply) {
    ForEachAttribute(reply, sizeof(genlmsghdr), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == CTRL_ATTR_FAMILY_ID) id = AttributeAs<uint16_t>(a);
    });
  }));
  if (id == 0) return absl::InternalError(StrCat(what, ": the kernel's answer has no number"));
  return id;
}

}  // namespace sluice
