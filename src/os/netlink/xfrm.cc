#include "os/netlink/xfrm.h"

#include <linux/membarrier.h>
#include <linux/rtnetlink.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <optional>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "os/netlink/xfrm_messages.h"

namespace sluice {
namespace {

std::string Named(const XfrmSa& sa) {
  return StrCat("SA ", absl::Hex(sa.spi), " to ", sa.destination.ToString());
}

// NotFound is ENOENT for a policy and ESRCH for an SA.
absl::Status OkIfGone(const absl::Status& status) {
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

NetlinkMessage LinkMessage(uint16_t type, const std::string& name) {
  NetlinkMessage message(type, 0);
  message.Extra<ifinfomsg>();
  message.PutString(IFLA_IFNAME, name);
  return message;
}

// All answers of a dump that `decode` takes and `ours` too.
template <typename T, typename Decode, typename Ours>
absl::StatusOr<std::vector<T>> Listed(NetlinkSocket& socket, NetlinkMessage request,
                                      std::string_view what, const Decode& decode,
                                      const Ours& ours) {
  std::vector<T> found;
  SLUICE_RETURN_IF_ERROR(socket.Query(request, what, [&](const nlmsghdr* reply) {
    std::optional<T> one = decode(reply);
    if (one && ours(*one)) found.push_back(std::move(*one));
  }));
  return found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<NetlinkXfrm>> NetlinkXfrm::Open() {
  SLUICE_ASSIGN_OR_RETURN(auto xfrm, NetlinkSocket::Open(NETLINK_XFRM));
  SLUICE_ASSIGN_OR_RETURN(auto links, NetlinkSocket::Open(NETLINK_ROUTE));
  return std::unique_ptr<NetlinkXfrm>(new NetlinkXfrm(std::move(xfrm), std::move(links)));
}

absl::Status NetlinkXfrm::CreateDevice(const std::string& name, uint32_t if_id) {
  NetlinkMessage message = EncodeCreateXfrmDevice(name, if_id);
  return links_->Transact(message, StrCat("creating xfrm device ", name));
}

absl::StatusOr<XfrmDevice> NetlinkXfrm::Device(const std::string& name) {
  NetlinkMessage message = LinkMessage(RTM_GETLINK, name);
  XfrmDevice device;
  SLUICE_RETURN_IF_ERROR(
      links_->Query(message, StrCat("looking up xfrm device ", name),
                    [&](const nlmsghdr* reply) { device = DecodeXfrmDevice(reply); }));
  if (device.if_id != 0) return device;
  return absl::FailedPreconditionError(
      StrCat("network device ", name, " is not an xfrm interface with a number of its own"));
}

absl::Status NetlinkXfrm::SetAlias(const std::string& name, const std::string& alias) {
  NetlinkMessage message = LinkMessage(RTM_NEWLINK, name);
  message.PutString(IFLA_IFALIAS, alias);
  return links_->Transact(message, StrCat("setting the alias of ", name));
}

absl::Status NetlinkXfrm::AddSa(const XfrmSa& sa, const XfrmKey& key) {
  NetlinkMessage message = EncodeAddSa(sa, key);
  return xfrm_->Transact(message, StrCat("adding ", Named(sa)));
}

absl::Status NetlinkXfrm::UpdateSa(const XfrmSa& sa) {
  NetlinkMessage message = EncodeUpdateSa(sa);
  return xfrm_->Transact(message, StrCat("changing ", Named(sa)));
}

absl::Status NetlinkXfrm::DeleteSa(const XfrmSa& sa) {
  NetlinkMessage message = EncodeDeleteSa(sa);
  return OkIfGone(xfrm_->Transact(message, StrCat("deleting ", Named(sa))));
}

absl::StatusOr<std::vector<XfrmSaState>> NetlinkXfrm::Sas(uint32_t if_id) {
  return Listed<XfrmSaState>(*xfrm_, EncodeListSas(), "listing SAs", DecodeSa,
                             [&](const XfrmSaState& s) { return s.sa.if_id == if_id; });
}

absl::Status NetlinkXfrm::SetPolicy(const XfrmPolicy& policy) {
  NetlinkMessage message = EncodeSetPolicy(policy);
  return xfrm_->Transact(message, "setting an IPsec policy");
}

absl::Status NetlinkXfrm::DeletePolicy(const XfrmPolicy& policy) {
  NetlinkMessage message = EncodeDeletePolicy(policy);
  return OkIfGone(xfrm_->Transact(message, "deleting an IPsec policy"));
}

absl::StatusOr<std::vector<XfrmPolicy>> NetlinkXfrm::Policies(uint32_t if_id) {
  return Listed<XfrmPolicy>(*xfrm_, EncodeListPolicies(), "listing IPsec policies", DecodePolicy,
                            [&](const XfrmPolicy& p) { return p.if_id == if_id; });
}

// A device transmits with bottom halves off, from the policy's lookup to the SA. The
// barrier (membarrier(2)) waits until every processor has been through that.
void NetlinkXfrm::AwaitPolicies() {
  // Kernels with nohz_full have no such barrier: a packet might then be lost, never bared.
  syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}

}  // namespace sluice
