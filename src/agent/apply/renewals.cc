#include "agent/apply/renewals.h"

#include <algorithm>
#include <set>
#include <string>

namespace sluice {
namespace {

std::map<LinkSide, uint64_t> QuotaVersions(const NodeConfig& config) {
  std::map<LinkSide, uint64_t> versions;
  for (const LinkConfig& link : config.links) {
    if (link.side.role == Role::kSend) versions[link.side] = link.quota_version;
  }
  return versions;
}

std::set<std::string> ChangedPeers(const NodeConfig& before, const NodeConfig& after) {
  std::map<std::string, const PeerConfig*> old;
  for (const PeerConfig& peer : before.peers) old[peer.node] = &peer;
  std::set<std::string> changed;
  for (const PeerConfig& peer : after.peers) {
    const auto was = old.find(peer.node);
    if (was == old.end() || !(*was->second == peer)) changed.insert(peer.node);
  }
  return changed;
}

}  // namespace

void Renewals::Configure(const NodeConfig& before, const NodeConfig& after) {
  const auto old_versions = QuotaVersions(before);
  const auto versions = QuotaVersions(after);
  const std::set<std::string> changed = ChangedPeers(before, after);
  std::erase_if(links_, [&](const auto& entry) { return !versions.contains(entry.first); });
  for (const auto& [side, version] : versions) {
    const auto [it, is_new] = links_.try_emplace(side);
    const auto old = old_versions.find(side);
    const bool requoted = old != old_versions.end() && old->second != version;
    // A link with a lease needs no answer from a peer that merely came back.
    const bool peer_news = !it->second.lease && changed.contains(FarNode(side));
    if (!is_new && (requoted || peer_news)) it->second.talk.Hurry();
  }
}

void Renewals::Reconnected() {
  for (auto& [side, link] : links_) link.talk.Reconnected();
}

void Renewals::Accepted(const Lease& lease, Bytes admitted) {
  const auto it = links_.find(lease.side);
  if (it == links_.end()) return;
  Link& link = it->second;
  link.talk.Granted(lease.request_id);
  const bool no_more = link.lease && lease.volume_limit <= link.lease->volume_limit;
  link.lease = LeaseProgress{.anchor = lease.anchor,
                             .lifetime = lease.lifetime,
                             .slice_start = admitted,
                             .volume_limit = lease.volume_limit,
                             .admitted = admitted,
                             .rate = lease.rate,
                             .brought_no_volume = no_more};
}

void Renewals::Refused(const RequestId& id, const LinkSide& side, BootTime now) {
  const auto it = links_.find(side);
  if (it != links_.end() && it->second.talk.Granted(id)) it->second.talk.Unusable(now);
}

void Renewals::Denied(const LinkSide& side, const RequestId& id, absl::Duration retry_after,
                      BootTime now) {
  const auto it = links_.find(side);
  if (it != links_.end()) it->second.talk.Denied(id, retry_after, now);
}

void Renewals::Ended(const LinkSide& side) {
  const auto it = links_.find(side);
  if (it != links_.end()) it->second.lease.reset();
}

std::optional<LeaseProgress> Renewals::Progress(const LinkSide& side, const Link& link,
                                                const Admitted& admitted) const {
  if (!link.lease) return std::nullopt;
  LeaseProgress progress = *link.lease;
  progress.admitted = admitted(side);
  return progress;
}

std::vector<Renewals::Request> Renewals::Take(const Admitted& admitted, BootTime now) {
  std::vector<Request> requests;
  for (auto& [side, link] : links_) {
    switch (link.talk.Decide(Progress(side, link, admitted), now)) {
      case RenewalConversation::Ask::kNothing:
        continue;
      case RenewalConversation::Ask::kRepeat:
        requests.push_back({side, link.talk.request_id()});
        break;
      case RenewalConversation::Ask::kNewRequest:
        requests.push_back({side, {}});
        random_(requests.back().id);
        break;
    }
    link.talk.Sent(requests.back().id, now);
  }
  return requests;
}

std::optional<BootTime> Renewals::NextAt(const Admitted& admitted, BootTime now) const {
  std::optional<BootTime> next;
  for (const auto& [side, link] : links_) {
    const BootTime at = link.talk.NextAt(Progress(side, link, admitted), now);
    if (!next || at < *next) next = at;
  }
  return next;
}

}  // namespace sluice
