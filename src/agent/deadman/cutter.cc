#include "agent/deadman/cutter.h"

#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

void Escalate(Datapath& datapath, CutResult& result) {
  if (result.kill_switch) return;
  if (absl::Status s = datapath.SetKillSwitch(true); !s.ok()) {
    result.faults.push_back(StrCat("kill switch failed: ", s.message()));
    return;
  }
  result.kill_switch = true;
}

std::vector<LinkSide> SidesOf(Datapath& datapath, CutResult& result) {
  std::vector<LinkSide> sides;
  const absl::StatusOr<Datapath::Reading> reading = datapath.Read();
  if (!reading.ok())
    result.faults.push_back(StrCat("cannot read the gate: ", reading.status().message()));
  if (!reading.ok()) return sides;
  for (const LinkReport& report : reading->links) sides.push_back(report.side);
  return sides;
}

std::vector<PublicKey> PeersOf(Tunnel& tunnel, CutResult& result) {
  std::vector<PublicKey> keys;
  const absl::StatusOr<std::vector<TunnelPeerState>> peers = tunnel.Peers();
  if (!peers.ok())
    result.faults.push_back(StrCat("cannot read the link tunnel: ", peers.status().message()));
  if (!peers.ok()) return keys;
  for (const TunnelPeerState& state : *peers) keys.push_back(state.peer.key);
  return keys;
}

void Append(CutResult more, CutResult& result) {
  result.closed = std::move(more.closed);
  result.not_closed = std::move(more.not_closed);
  result.removed = std::move(more.removed);
  result.faults.insert(result.faults.end(), more.faults.begin(), more.faults.end());
}

}  // namespace

NodeCut CutNode(const TunnelConfig& blank, const Clock& clock, Datapath& datapath, Tunnel& tunnel) {
  NodeCut out;
  const absl::Status killed = datapath.SetKillSwitch(true);
  if (killed.ok()) out.cut_at = clock.Now();
  if (!killed.ok()) out.cut.faults.push_back(StrCat("kill switch failed: ", killed.message()));
  const std::vector<LinkSide> sides = SidesOf(datapath, out.cut);
  const std::vector<PublicKey> peers = PeersOf(tunnel, out.cut);
  Append(Cut(sides, peers, datapath, tunnel), out.cut);
  if (absl::Status s = tunnel.Configure(blank); !s.ok())
    out.cut.faults.push_back(StrCat("cannot overwrite the link tunnel's key: ", s.message()));
  out.done = out.cut.faults.empty();
  return out;
}

CutResult Cut(const std::vector<LinkSide>& sides, const std::vector<PublicKey>& peers,
              Datapath& datapath, Tunnel& tunnel) {
  CutResult result;
  for (const LinkSide& side : sides) {
    absl::StatusOr<LinkReport> report = datapath.Close(side);
    if (report.ok()) {
      result.closed.push_back(*std::move(report));
      continue;
    }
    // What has no place at the gate carries nothing.
    if (absl::IsNotFound(report.status())) continue;
    result.not_closed.push_back(side);
    result.faults.push_back(StrCat("cannot close ", side.link.ToString(), " (", RoleName(side.role),
                                   "): ", report.status().message()));
    Escalate(datapath, result);
  }
  for (const PublicKey& key : peers) {
    if (absl::Status s = tunnel.RemovePeer(key); !s.ok()) {
      result.faults.push_back(StrCat("cannot remove a tunnel peer: ", s.message()));
      Escalate(datapath, result);
    } else {
      result.removed.push_back(key);
    }
  }
  return result;
}

}  // namespace sluice
