// Xfrm over NETLINK_XFRM and rtnetlink(7).
#ifndef SLUICE_OS_NETLINK_XFRM_H_
#define SLUICE_OS_NETLINK_XFRM_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "os/netlink/netlink_socket.h"
#include "os/netlink/xfrm_interface.h"

namespace sluice {

// Works in the network namespace in which it was opened.
class NetlinkXfrm final : public Xfrm {
 public:
  // Unimplemented if the kernel has no IPsec at all.
  static absl::StatusOr<std::unique_ptr<NetlinkXfrm>> Open();

  absl::Status CreateDevice(const std::string& name, uint32_t if_id) override;
  absl::StatusOr<XfrmDevice> Device(const std::string& name) override;
  absl::Status SetAlias(const std::string& name, const std::string& alias) override;
  absl::Status AddSa(const XfrmSa& sa, const XfrmKey& key) override;
  absl::Status UpdateSa(const XfrmSa& sa) override;
  absl::Status DeleteSa(const XfrmSa& sa) override;
  absl::StatusOr<std::vector<XfrmSaState>> Sas(uint32_t if_id) override;
  absl::Status SetPolicy(const XfrmPolicy& policy) override;
  absl::Status DeletePolicy(const XfrmPolicy& policy) override;
  absl::StatusOr<std::vector<XfrmPolicy>> Policies(uint32_t if_id) override;
  void AwaitPolicies() override;

 private:
  NetlinkXfrm(std::unique_ptr<NetlinkSocket> xfrm, std::unique_ptr<NetlinkSocket> links)
      : xfrm_(std::move(xfrm)), links_(std::move(links)) {}

  std::unique_ptr<NetlinkSocket> xfrm_;
  std::unique_ptr<NetlinkSocket> links_;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_XFRM_H_
