// An Xfrm in memory, for tests.
#ifndef SLUICE_OS_NETLINK_XFRM_FAKE_H_
#define SLUICE_OS_NETLINK_XFRM_FAKE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "os/netlink/route_table_fake.h"
#include "os/netlink/xfrm_interface.h"

namespace sluice {

// Devices are also in `routes`. Both arguments outlive it.
class XfrmFake final : public Xfrm {
 public:
  XfrmFake(RouteTableFake& routes, const Clock& clock) : routes_(routes), clock_(clock) {}

  absl::Status device_status;        // what CreateDevice returns if it is not OK
  absl::Status sa_status;            // the same for AddSa
  absl::Status policy_status;        // the same for SetPolicy
  bool ignores_deletes = false;      // they are acknowledged and not done
  bool ignores_updates = false;      // of SAs
  std::vector<std::string> log;      // what was changed, in order: "add 101", "await", …
  std::map<uint32_t, XfrmKey> keys;  // by SPI, of all that were ever added
  std::vector<XfrmSaState> sas;      // for tests to look at and to spoil
  std::vector<XfrmPolicy> policies;  // the same

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
  void AwaitPolicies() override { log.push_back("await"); }

  // The SA with that SPI, or null.
  XfrmSaState* Find(uint32_t spi);

 private:
  RouteTableFake& routes_;
  const Clock& clock_;
  std::map<std::string, XfrmDevice> devices_;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_XFRM_FAKE_H_
