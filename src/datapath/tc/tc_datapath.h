// The datapath of any Linux machine: eBPF programs on tc hooks and a tc shaper.
#ifndef SLUICE_DATAPATH_TC_TC_DATAPATH_H_
#define SLUICE_DATAPATH_TC_TC_DATAPATH_H_

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "datapath/datapath_interface.h"
#include "datapath/gate_words.h"
#include "datapath/tc/gate_kernel.h"
#include "datapath/tc/gate_routes.h"
#include "datapath/tc/shaper_interface.h"
#include "datapath/tc/slot_names.h"
#include "os/bpf/tc_attachment.h"

namespace sluice {

// Works in the network namespace of the calling thread. Destroying it leaves
// the gate in the kernel as it stands. Start may be called again, for example
// when a device was made anew: it takes over what it left.
class TcDatapath final : public Datapath {
 public:
  // `clock` counts CLOCK_BOOTTIME, as the kernel's gate does; not owned.
  TcDatapath(std::unique_ptr<Shaper> shaper, const Clock& clock);

  absl::StatusOr<Started> Start(const DatapathConfig& config) override;
  absl::Status SetOwnPrefixes(const std::vector<IpPrefix>& prefixes) override;
  absl::Status SetRoutes(const std::vector<GateRoute>& routes) override;
  absl::Status Apply(const LinkSide& side, const GateLease& lease) override;
  absl::StatusOr<LinkReport> Close(const LinkSide& side) override;
  absl::StatusOr<Reading> Read() override;
  absl::StatusOr<std::vector<PortCounts>> ReadFabric() override;
  absl::Status SetKillSwitch(bool on) override;
  absl::Status Verify() override;
  absl::Status Remove() override;

 private:
  // A program and where it belongs.
  struct Place {
    std::string device;
    TcDirection direction;
    const char* program;
  };
  std::vector<Place> Places() const;
  absl::Status CheckStarted() const;
  absl::StatusOr<Started> Install();
  absl::Status SetConfig();
  absl::Status CountFabric();
  absl::Status AttachAll();
  absl::StatusOr<Choice> StartShaper();
  absl::StatusOr<ClockWords> Shape(uint32_t slot, const LinkSide& side, const GateLease& lease);
  absl::Status LoadState();
  void CloseUnrouted();
  std::vector<uint32_t> OpenSendSlots();
  absl::Status VerifyPrograms();
  absl::Status VerifyConfig();

  std::unique_ptr<Shaper> shaper_;
  const Clock& clock_;
  DatapathConfig config_;
  std::unique_ptr<GateKernel> kernel_;  // null until Start
  sluice_shaper_mode mode_ = SLUICE_SHAPER_CLOSED;
  GateRoutes routes_;
  SlotNames names_;
  std::set<LinkSide> routed_;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_TC_DATAPATH_H_
