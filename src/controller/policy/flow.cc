#include "controller/policy/flow.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

using FlowKind = FlowFinding::Kind;

constexpr uint64_t kLeastExcess = uint64_t{64} << 10;
constexpr uint64_t kFrameCheck = 8;  // FCS, and a VLAN tag that the device takes off
// What the tunnel adds to a packet at the most: its own and the outer IP header, padding, and
// the Ethernet header.
constexpr uint64_t kTunnelAdds = 80 + 16 + 14;
// Handshakes and keepalives of one link in a window.
constexpr uint64_t kLinkChatter = 512;

bool Grew(const Traffic& from, const Traffic& to) {
  return to.bytes >= from.bytes && to.packets >= from.packets;
}

bool Grew(const PortFlow& from, const PortFlow& to) {
  return Grew(from.device, to.device) && Grew(from.tunnel, to.tunnel) &&
         Grew(from.control, to.control) && Grew(from.refused, to.refused);
}

// Whether what lies between can be told from both.
bool Continues(const FlowSample& from, const FlowSample& to) {
  return Grew(from.admitted, to.admitted) &&
         std::ranges::equal(from.ports, to.ports, [](const PortCounts& a, const PortCounts& b) {
           return a.port == b.port && Grew(a.rx, b.rx) && Grew(a.tx, b.tx);
         });
}

uint64_t Between(const Traffic& from, const Traffic& to) { return to.bytes - from.bytes; }

void AddUnseen(FlowKind kind, const std::string& port, const PortFlow& from, const PortFlow& to,
               std::vector<FlowFinding>& found) {
  const uint64_t carried = Between(from.device, to.device);
  uint64_t seen = Between(from.tunnel, to.tunnel) + Between(from.control, to.control);
  // What the gate refused to send never reached the device's counter.
  if (kind == FlowKind::kUnseenRx) seen += Between(from.refused, to.refused);
  const uint64_t packets = to.device.packets - from.device.packets;
  const uint64_t slack = std::max(kLeastExcess, carried / 50 + kFrameCheck * packets);
  if (carried <= seen || carried - seen <= slack) return;
  found.push_back({kind, {port}, Bytes{carried}, Bytes{seen}, {}, {}});
}

void AddUnleased(const FlowSample& from, const FlowSample& to, std::vector<FlowFinding>& found) {
  FlowFinding finding;
  finding.kind = FlowKind::kUnleased;
  for (size_t i = 0; i < to.ports.size(); ++i) {
    const uint64_t sent = Between(from.ports[i].tx.tunnel, to.ports[i].tx.tunnel);
    if (sent > 0) finding.ports.push_back(to.ports[i].port);
    finding.carried.value += sent;
  }
  const uint64_t packets = to.admitted.packets - from.admitted.packets;
  finding.accounted = Bytes{Between(from.admitted, to.admitted) + kTunnelAdds * packets};
  const Bytes slack{kLeastExcess + kLinkChatter * to.links};
  if (finding.carried > SaturatingAdd(finding.accounted, slack)) found.push_back(finding);
}

std::vector<FlowFinding> Judge(const FlowSample& from, const FlowSample& to) {
  std::vector<FlowFinding> found;
  for (size_t i = 0; i < to.ports.size(); ++i) {
    const PortCounts& before = from.ports[i];
    const PortCounts& after = to.ports[i];
    AddUnseen(FlowKind::kUnseenRx, after.port, before.rx, after.rx, found);
    AddUnseen(FlowKind::kUnseenTx, after.port, before.tx, after.tx, found);
  }
  AddUnleased(from, to, found);
  for (FlowFinding& finding : found) finding.window = to.at - from.at;
  return found;
}

}  // namespace

bool FlowJudge::Take(FlowSample sample) {
  if (!samples_.empty() && !Continues(samples_.back(), sample)) samples_.clear();
  samples_.push_back(std::move(sample));
  const BootTime now = samples_.back().at;
  while (samples_.size() > 2 && now - samples_[1].at >= kFlowWindow) samples_.pop_front();
  if (samples_.size() < 2) return false;
  return Note(Judge(samples_.front(), samples_.back()), now);
}

bool FlowJudge::Note(std::vector<FlowFinding> found, BootTime now) {
  bool changed = false;
  for (FlowFinding& finding : found) {
    // Those that send tunnel frames may change while it lasts.
    FlowKey key{finding.kind, {}};
    if (finding.kind != FlowKind::kUnleased) key.second = finding.ports;
    const auto [it, is_new] = standing_.try_emplace(std::move(key));
    Standing& standing = it->second;
    finding.since = is_new ? now : standing.finding.since;
    standing.finding = std::move(finding);
    standing.seen_at = now;
    const bool lasts = standing.lasts || now - standing.finding.since >= kFlowWindow;
    changed |= lasts != std::exchange(standing.lasts, lasts);
  }
  std::erase_if(standing_, [&](const auto& entry) {
    const Standing& standing = entry.second;
    const absl::Duration gone = now - standing.seen_at;
    const bool over = gone > absl::ZeroDuration() && (!standing.lasts || gone >= kFlowWindow);
    changed |= over && standing.lasts;
    return over;
  });
  return changed;
}

std::vector<FlowFinding> FlowJudge::Findings() const {
  std::vector<FlowFinding> findings;
  for (const auto& [key, standing] : standing_) {
    if (standing.lasts) findings.push_back(standing.finding);
  }
  return findings;
}

}  // namespace sluice
