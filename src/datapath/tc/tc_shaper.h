// The shaper on the link tunnel's device: EDT with fq, or HTB.
#ifndef SLUICE_DATAPATH_TC_TC_SHAPER_H_
#define SLUICE_DATAPATH_TC_TC_SHAPER_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "datapath/tc/shaper_interface.h"
#include "datapath/tc/shaper_plan.h"
#include "os/netlink/route_interface.h"
#include "os/netlink/tc_interface.h"

namespace sluice {

class TcShaper final : public Shaper {
 public:
  // How leases become queues; another than PlanHtb is for measurements.
  using Plan = std::function<absl::StatusOr<ShaperPlan>(BitRate rate, Bytes burst, int mtu)>;

  TcShaper(std::unique_ptr<RouteTable> routes, std::unique_ptr<TrafficControl> tc,
           Plan plan = PlanHtb);
  // Over rtnetlink, in the network namespace of the calling thread.
  static absl::StatusOr<std::unique_ptr<TcShaper>> Open();

  absl::StatusOr<Started> Start(const std::string& device, const std::string& wanted) override;
  absl::StatusOr<ShaperWords> Apply(uint32_t slot, BitRate rate, Bytes burst) override;
  absl::Status Close(uint32_t slot) override;
  absl::Status Verify(const std::vector<uint32_t>& open) override;
  absl::Status Remove() override;

 private:
  absl::Status StartEdt();
  absl::Status StartHtb();
  // The root qdisc of the device, of any kind but its default.
  absl::StatusOr<Qdisc> Root();
  absl::Status CheckDevice();
  absl::Status VerifyClass(uint32_t slot, const std::map<uint32_t, HtbClassState>& classes,
                           const std::map<uint32_t, Qdisc>& leaves) const;

  const std::unique_ptr<RouteTable> routes_;
  const std::unique_ptr<TrafficControl> tc_;
  const Plan plan_;
  std::string device_;
  int index_ = 0;  // 0: not started
  int mtu_ = 0;
  sluice_shaper_mode mode_ = SLUICE_SHAPER_CLOSED;
  // What this object has put into the kernel, by slot.
  std::map<uint32_t, ShaperPlan> classes_;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_TC_SHAPER_H_
