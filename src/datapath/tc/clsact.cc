#include "datapath/tc/clsact.h"

#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "os/bpf/tcx_attachment.h"
#include "os/netlink/netlink_socket.h"

namespace sluice {
namespace {

constexpr uint32_t kIngress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS);
constexpr uint32_t kEgress = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS);

struct Filter {
  uint32_t priority;
  uint32_t handle;
};

absl::StatusOr<std::vector<Filter>> Filters(int device, uint32_t parent) {
  SLUICE_ASSIGN_OR_RETURN(auto socket, NetlinkSocket::Open(NETLINK_ROUTE));
  NetlinkMessage request(RTM_GETTFILTER, NLM_F_DUMP);
  auto* fixed = request.Extra<tcmsg>();
  fixed->tcm_family = AF_UNSPEC;
  fixed->tcm_ifindex = device;
  fixed->tcm_parent = parent;
  std::vector<Filter> filters;
  SLUICE_RETURN_IF_ERROR(socket->Query(request, "listing tc filters", [&](const nlmsghdr* reply) {
    const auto* filter = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(reply));
    // Handle 0 is the chain's own entry, not a filter.
    if (filter->tcm_handle != 0)
      filters.push_back({TC_H_MAJ(filter->tcm_info) >> 16, filter->tcm_handle});
  }));
  return filters;
}

}  // namespace

absl::Status CheckNothingBefore(const std::string& device, TcDirection direction,
                                uint32_t program_id) {
  SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(device));
  const bool ingress = direction == TcDirection::kIngress;
  SLUICE_ASSIGN_OR_RETURN(const auto filters, Filters(index, ingress ? kIngress : kEgress));
  for (const Filter& filter : filters) {
    if (filter.priority > kTcPriority || filter.handle == kTcHandle) continue;
    return absl::FailedPreconditionError(
        StrCat("a foreign tc filter stands before the gate at ", ingress ? "ingress" : "egress",
               " of ", device, "; remove it or give it a priority above ", kTcPriority));
  }
  SLUICE_ASSIGN_OR_RETURN(const auto tcx, TcxPrograms(device, direction));
  if (!tcx || (!tcx->empty() && tcx->front() == program_id)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat(tcx->empty() ? "the gate was taken away from"
                          : "a foreign program stands before the gate, or in its place, at",
             " tcx ", ingress ? "ingress" : "egress", " of ", device,
             "; detach what is foreign and restart the agent"));
}

absl::Status RemoveClsactIfUnused(const std::string& device) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) return absl::OkStatus();
  for (const uint32_t parent : {kIngress, kEgress}) {
    const auto filters = Filters(static_cast<int>(index), parent);
    // Without clsact there is nothing to list, and the kernel says so in several ways.
    if (!filters.ok() || !filters->empty()) return absl::OkStatus();
  }
  return RemoveClsact(device);
}

}  // namespace sluice
