// Closing for certain.
#ifndef SLUICE_AGENT_DEADMAN_CUTTER_H_
#define SLUICE_AGENT_DEADMAN_CUTTER_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/secret.h"
#include "datapath/datapath_interface.h"
#include "model/lease.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

struct CutResult {
  std::vector<LinkReport> closed;  // with final counts
  std::vector<LinkSide> not_closed;
  std::vector<PublicKey> removed;   // peers
  bool kill_switch = false;         // it was needed, and is on
  std::vector<std::string> faults;  // what went wrong, in words
};

// Closes the sides at the gate, then removes the peers. If a side does not
// close, or a peer does not go, the kill switch stops the whole node: better
// silent than open. If even that fails the peers are removed all the same, and
// the faults say so.
CutResult Cut(const std::vector<LinkSide>& sides, const std::vector<PublicKey>& peers,
              Datapath& datapath, Tunnel& tunnel);

struct NodeCut {
  CutResult cut;
  std::optional<BootTime> cut_at;  // when the kill switch was on; none: it is not
  bool done = false;               // it is on, nothing is open, no peer and no key is left
};

// The reaction to tampering, in this order: the kill switch, so that no packet leaves from
// now on; the sides and the peers with their keys; the tunnel's own key, which `blank`
// overwrites with one that nobody knows. Goes on after a failure; call it again until done.
NodeCut CutNode(const TunnelConfig& blank, const Clock& clock, Datapath& datapath, Tunnel& tunnel);

}  // namespace sluice

#endif  // SLUICE_AGENT_DEADMAN_CUTTER_H_
