// Traffic: from the sender's gate over the network to the receiver's.
#include <algorithm>
#include <utility>

#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

constexpr uint64_t kProbeBytes = 64;
constexpr int kLostPercent = 2;

}  // namespace

void World::BeginFlow(const Action& action) {
  Flow flow;
  flow.link = static_cast<int>(action.args[0]);
  flow.until = now_ + action.args[1] * kMillisecond;
  flow.gap = std::max<int64_t>(action.args[2], 100) * kMicrosecond;
  flow.bytes = static_cast<uint64_t>(action.args[3]);
  flow.packets = static_cast<int>(action.args[4]);
  flows_.push_back(flow);
  Post(now_, EventKind::kSend, static_cast<int64_t>(flows_.size()) - 1);
}

void World::SendPackets(size_t index) {
  const Flow& flow = flows_[index];
  if (now_ >= flow.until) return;
  Post(now_ + flow.gap / 2 + rng_.Range(0, flow.gap), EventKind::kSend,
       static_cast<int64_t>(index));
  const auto link = static_cast<size_t>(flow.link);
  Node& node = *nodes_[static_cast<size_t>(ends_[link].first)];
  if (node.down || now_ < node.suspended) return;
  uint64_t admitted = 0;
  for (int i = 0; i < flow.packets; ++i) {
    if (node.gate.Offer({profile_.links[link], Role::kSend}, flow.bytes)) continue;
    ++outcome_.packets;
    admitted += flow.bytes;
  }
  if (admitted == 0) return;
  checker_->Admitted(link, Role::kSend, admitted);
  if (rng_.Chance(kLostPercent)) return;
  Post(now_ + Delay(), EventKind::kArrive, static_cast<int64_t>(link),
       static_cast<int64_t>(admitted));
}

void World::Arrive(size_t link, uint64_t bytes) {
  Node& node = *nodes_[static_cast<size_t>(ends_[link].second)];
  if (node.down || now_ < node.suspended) return;
  if (node.gate.Offer({profile_.links[link], Role::kReceive}, bytes)) return;
  ++outcome_.packets;
  checker_->Admitted(link, Role::kReceive, bytes);
}

// A packet just before a lease ends, and one just after.
void World::Probe(size_t link, Role role) {
  const auto [src, dst] = ends_[link];
  Node& node = *nodes_[static_cast<size_t>(role == Role::kSend ? src : dst)];
  if (node.down || now_ < node.suspended) return;
  if (node.gate.Offer({profile_.links[link], role}, kProbeBytes)) return;
  checker_->Admitted(link, role, kProbeBytes);
}

void World::ProbeEnds(Node& node) {
  for (size_t link = 0; link < profile_.links.size(); ++link) {
    for (const Role role : {Role::kSend, Role::kReceive}) {
      if ((role == Role::kSend ? ends_[link].first : ends_[link].second) != node.index) continue;
      const auto lease = node.gate.LeaseOf({profile_.links[link], role});
      if (!lease) continue;
      BootTime& probed = probed_[link][role == Role::kSend ? 0 : 1];
      if (std::exchange(probed, lease->expires_at) == lease->expires_at) continue;
      const TrueTime end = node.clock.TrueAt(lease->expires_at);
      for (const int64_t off : {-kMicrosecond, kMicrosecond})
        Post(end + off, EventKind::kProbe, static_cast<int64_t>(link), role == Role::kSend ? 0 : 1);
    }
  }
}

}  // namespace sluice::sim
