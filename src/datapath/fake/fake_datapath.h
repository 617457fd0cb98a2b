// A datapath in memory, with the gate's own rules, for tests and simulations.
#ifndef SLUICE_DATAPATH_FAKE_FAKE_DATAPATH_H_
#define SLUICE_DATAPATH_FAKE_FAKE_DATAPATH_H_

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "datapath/datapath_interface.h"

namespace sluice {

// What a node's kernel keeps while agents come and go. Not thread-safe.
class FakeGate {
 public:
  explicit FakeGate(const Clock& clock) : clock_(clock) {}

  // One IP packet of `bytes` that comes to this side of a link now: admitted
  // and counted, or the reason why not, counted too. The order of the checks is
  // that of bpf/gate.bpf.c.
  std::optional<sluice_drop_reason> Offer(const LinkSide& side, uint64_t bytes);

  // The node restarts: pins, counters, leases and the kill switch are gone.
  void Reboot();

  bool kill_switch() const { return kill_switch_; }
  // The lease at the gate; none if it is closed or was never opened.
  std::optional<GateLease> LeaseOf(const LinkSide& side) const;
  uint64_t Admitted(const LinkSide& side) const;

 private:
  friend class FakeDatapath;
  uint64_t LastSequence(const LinkSide& side) const;
  struct Side {
    std::optional<GateLease> lease;  // none: closed
    uint64_t last_sequence = 0;      // of the last lease, open or closed
    uint64_t admitted = 0;
    uint64_t packets = 0;
    absl::Duration next = -absl::InfiniteDuration();  // since boot: the virtual clock
    Drops drops{};
  };
  std::optional<sluice_drop_reason> Check(const LinkSide& side, const Side& state,
                                          uint64_t bytes) const;
  // When a packet that came now would leave.
  absl::Duration Departure(const Side& state) const;
  LinkReport Report(const LinkSide& side) const;
  void Close(const LinkSide& side);

  const Clock& clock_;
  bool installed_ = false;
  bool kill_switch_ = false;
  std::vector<IpPrefix> own_;
  std::set<GateRoute> routes_;
  std::set<LinkSide> routed_;
  std::map<LinkSide, Side> sides_;  // every side that ever had a route since the boot
  Drops unattributed_{};
};

// How long a sender's queue may grow before packets are dropped for their rate.
inline constexpr absl::Duration kFakeQueue = absl::Milliseconds(5);

// One agent's handle on a FakeGate, which must outlive it.
class FakeDatapath final : public Datapath {
 public:
  enum class Call {
    kStart,
    kSetOwnPrefixes,
    kSetRoutes,
    kApply,
    kClose,
    kRead,
    kSetKillSwitch,
    kVerify,
    kRemove,
    kReadFabric
  };

  std::vector<PortCounts> fabric;  // what ReadFabric says

  explicit FakeDatapath(FakeGate& gate) : gate_(gate) {}

  // The next `times` calls of this kind fail with `status` and do nothing.
  void Fail(Call call, absl::Status status, int times = 1);
  // How often a call of this kind was made, failed ones included.
  int Calls(Call call) const;
  const std::vector<IpPrefix>& own_prefixes() const { return gate_.own_; }
  const std::set<GateRoute>& routes() const { return gate_.routes_; }

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
  // Notes the call; its error if it is to fail, or if Start has not been called.
  absl::Status Begin(Call call);

  FakeGate& gate_;
  bool started_ = false;
  std::map<Call, std::pair<absl::Status, int>> failures_;
  std::map<Call, int> calls_;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_FAKE_FAKE_DATAPATH_H_
