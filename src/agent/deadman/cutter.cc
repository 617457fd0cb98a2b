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

}  // namespace

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
