// The gate and the shaper of one node: what decides over every packet.
#ifndef SLUICE_DATAPATH_DATAPATH_INTERFACE_H_
#define SLUICE_DATAPATH_DATAPATH_INTERFACE_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/units.h"
#include "model/lease.h"
#include "model/names.h"
#include "model/port_counts.h"
#include "model/prefix.h"

namespace sluice {

// How the link tunnel's packets travel: in UDP, or as ESP (IP protocol 50).
enum class TunnelTransport { kUdp, kEsp };

// Which devices and ports a datapath stands on. All devices exist before Start.
struct DatapathConfig {
  std::string accelerator_port;           // "acc0"
  std::vector<std::string> fabric_ports;  // "fab0", …
  std::string tunnel_device;              // link tunnel: layer 3, no Ethernet header
  std::string pin_directory;              // below a bpffs; survives the process
  TunnelTransport tunnel_transport = TunnelTransport::kUdp;  // of the link tunnel
  uint16_t tunnel_port = 0;     // UDP, local, of the link tunnel; not with ESP
  uint16_t control_port = 0;    // UDP, local, of the control tunnel
  uint32_t tunnel_mark = 0;     // fwmark that both tunnels put on what they send
  std::string shaper = "auto";  // "auto", "edt" or "htb"
};

// What a lease asks of the gate and the shaper.
struct GateLease {
  uint64_t sequence = 0;
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;  // on the cumulative count of this side
  BootTime expires_at;
};

// Where one direction of traffic belongs. For kSend the prefix is the far
// node's and matches destinations; for kReceive it matches sources.
struct GateRoute {
  IpPrefix prefix;
  LinkSide side;
  friend auto operator<=>(const GateRoute&, const GateRoute&) = default;
};

struct Choice {
  std::string name;    // "gate", "shaper"
  std::string choice;  // "edt+fq"
  std::string reason;
};

// One node's datapath. Not thread-safe: one thread owns it. Every call that
// returns OK has read back what it claims. Nothing opens by an error: a call
// that fails leaves the traffic it was about denied or as it was.
class Datapath {
 public:
  virtual ~Datapath() = default;

  // Takes over what is pinned, or builds it anew and denies everything.
  // counters_kept tells which: false means that cumulative counts began at 0,
  // and the caller must take a new boot nonce.
  struct Started {
    bool counters_kept = false;
    std::vector<Choice> choices;
  };
  virtual absl::StatusOr<Started> Start(const DatapathConfig& config) = 0;

  // The node's own accelerator prefixes: the only sources that the
  // accelerator port may send from. Replaces the set.
  virtual absl::Status SetOwnPrefixes(const std::vector<IpPrefix>& prefixes) = 0;

  // Replaces all routes; the longest prefix wins per role. A side that no
  // route names any more is closed. A new side has no lease.
  virtual absl::Status SetRoutes(const std::vector<GateRoute>& routes) = 0;

  // Opens the side, or renews it without a gap. Never resets a counter. Fails
  // with NotFound for a side without a route.
  virtual absl::Status Apply(const LinkSide& side, const GateLease& lease) = 0;

  // Closes the side and returns its report with the final count: when this
  // returns, no CPU will admit another packet. The report's lease_sequence is
  // that of the side's last lease. Closing a closed side is OK.
  virtual absl::StatusOr<LinkReport> Close(const LinkSide& side) = 0;

  // Reports of all sides that have a route, and drops that belong to none.
  struct Reading {
    std::vector<LinkReport> links;
    Drops unattributed{};
  };
  virtual absl::StatusOr<Reading> Read() = 0;

  // What passed the gate at each fabric port, and what it refused there; not what the
  // devices count. Frames count from the Ethernet header on, after segmentation.
  virtual absl::StatusOr<std::vector<PortCounts>> ReadFabric() = 0;

  // On: every packet is refused from the next one on. Survives the process.
  virtual absl::Status SetKillSwitch(bool on) = 0;

  // Whether programs, maps and queues are still as Start and Apply left them;
  // the error says what is not.
  virtual absl::Status Verify() = 0;

  // Takes everything away: programs, pins, queues. For a node that leaves; the
  // caller has closed the ports first.
  virtual absl::Status Remove() = 0;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_DATAPATH_INTERFACE_H_
