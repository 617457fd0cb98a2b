// What a node's fabric ports carried must be what its gate let through, and what went into its
// tunnel what its leases admitted. Values in, values out.
#ifndef SLUICE_CONTROLLER_POLICY_FLOW_H_
#define SLUICE_CONTROLLER_POLICY_FLOW_H_

#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/units.h"
#include "model/port_counts.h"

namespace sluice {

// What one heartbeat says. All counts are cumulative.
struct FlowSample {
  BootTime at;
  std::vector<PortCounts> ports = {};
  Traffic admitted = {};  // IP packets, by the gate, on all links on which the node sends
  uint64_t links = 0;     // whose tunnels may say something by themselves
};

struct FlowFinding {
  enum class Kind {
    kUnseenRx,  // the device took in what no gate program saw
    kUnseenTx,  // the device sent what no gate program saw
    kUnleased,  // the tunnel sent more than was admitted
  };
  Kind kind = Kind::kUnseenTx;
  std::vector<std::string> ports = {};  // one, or all that sent tunnel frames
  Bytes carried;                        // in the last window
  Bytes accounted;                      // of those
  absl::Duration window = {};
  BootTime since;  // when it was first so
};

inline constexpr absl::Duration kFlowWindow = absl::Seconds(5);

// Of one node. Only what the fabric carries beyond what is accounted for counts: a device may
// count a super-packet's headers once where the gate counts them for each segment.
class FlowJudge {
 public:
  // `sample` is newer than all before. Whether a finding began or ended: one begins when every
  // sample of a whole window tells of it, and ends when none does.
  bool Take(FlowSample sample);
  std::vector<FlowFinding> Findings() const;

 private:
  using FlowKey = std::pair<FlowFinding::Kind, std::vector<std::string>>;
  struct Standing {
    FlowFinding finding = {};  // as last seen
    BootTime seen_at;
    bool lasts = false;
  };
  bool Note(std::vector<FlowFinding> found, BootTime now);

  std::deque<FlowSample> samples_;  // the first is a window old, or as old as there are
  std::map<FlowKey, Standing> standing_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_POLICY_FLOW_H_
