#include "agent/reconcile/reconcile.h"

#include <algorithm>
#include <set>
#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

template <typename T>
std::vector<T> Sorted(std::vector<T> v) {
  std::sort(v.begin(), v.end());
  v.erase(std::unique(v.begin(), v.end()), v.end());
  return v;
}

std::vector<SideRoute> WantedGateRoutes(const NodeConfig& config) {
  std::map<std::string, const PeerConfig*> peers;
  for (const PeerConfig& peer : config.peers) peers[peer.node] = &peer;
  std::vector<SideRoute> routes;
  for (const LinkConfig& link : config.links) {
    const auto peer = peers.find(FarNode(link.side));
    if (peer == peers.end()) continue;
    for (const IpPrefix& prefix : peer->second->prefixes) routes.push_back({prefix, link.side});
  }
  return Sorted(std::move(routes));
}

std::vector<IpPrefix> WantedTunnelRoutes(const NodeConfig& config) {
  std::vector<IpPrefix> prefixes;
  for (const PeerConfig& peer : config.peers) {
    prefixes.insert(prefixes.end(), peer.prefixes.begin(), peer.prefixes.end());
  }
  return Sorted(std::move(prefixes));
}

class Reconciler {
 public:
  Reconciler(const Desired& desired, const Actual& actual, BootTime now)
      : desired_(desired), actual_(actual), now_(now) {
    for (const LinkConfig& link : desired.config.links) configured_.insert(link.side);
    for (const ActualPeer& peer : actual.peers) {
      if (!peer.unanswered) peers_[peer.key] = &peer;
    }
  }

  ActionPlan Run() {
    CloseSides();
    const std::vector<PeerTerms> peers = WantedPeers();
    RemovePeers(peers);
    if (auto own = Sorted(desired_.config.own_prefixes); own != actual_.own_prefixes) {
      plan_.actions.push_back(SetOwnPrefixes{std::move(own)});
    }
    if (auto routes = WantedGateRoutes(desired_.config); routes != actual_.gate_routes) {
      plan_.actions.push_back(SetGateRoutes{std::move(routes)});
    }
    if (auto routes = WantedTunnelRoutes(desired_.config); routes != actual_.tunnel_routes) {
      plan_.actions.push_back(SetTunnelRoutes{std::move(routes)});
    }
    // Before the leases: what the gate admits first must find its way.
    SetPeers(peers);
    ApplyLeases(peers);
    return std::move(plan_);
  }

 private:
  // A lease keeps its side open only while the gate has not closed that very lease.
  bool MayBeOpen(const LinkSide& side) const {
    if (desired_.deny_all || !configured_.contains(side)) return false;
    const auto lease = desired_.leases.find(side);
    if (lease == desired_.leases.end() || lease->second.expires_at <= now_) return false;
    const auto report = actual_.gate.find(side);
    return report == actual_.gate.end() || !report->second.closed ||
           report->second.lease_sequence < lease->second.sequence;
  }

  void CloseSides() {
    for (const auto& [side, report] : actual_.gate) {
      if (IsOpen(report) && !MayBeOpen(side)) plan_.actions.push_back(CloseSide{side});
    }
  }

  void ApplyLeases(const std::vector<PeerTerms>& peers) {
    // What is sent before the peer has the key would be charged and lost.
    std::set<std::string> has_key;
    for (const PeerTerms& peer : peers) {
      if (peer.send_epoch != 0 || peer.epochs.empty()) has_key.insert(peer.node);
    }
    for (const auto& [side, terms] : desired_.leases) {
      if (!MayBeOpen(side)) continue;
      if (side.role == Role::kSend && !has_key.contains(FarNode(side))) {
        plan_.obstacles.try_emplace(
            side, StrCat("no key yet: ", FarNode(side), " has not said that it has one"));
        continue;
      }
      const auto report = actual_.gate.find(side);
      if (report == actual_.gate.end() || report->second.lease_sequence < terms.sequence) {
        plan_.actions.push_back(ApplyLease{side, terms});
      }
    }
  }

  std::vector<PeerTerms> WantedPeers() {
    std::map<std::string, std::vector<LinkSide>> open;
    for (const auto& [side, terms] : desired_.leases) {
      if (MayBeOpen(side)) open[FarNode(side)].push_back(side);
    }
    std::vector<PeerTerms> peers;
    for (const PeerConfig& peer : desired_.config.peers) {
      const auto sides = open.find(peer.node);
      if (sides == open.end()) continue;
      const auto endpoint = ChooseEndpoint(peer.endpoints, desired_.fabric_networks);
      if (peer.key && endpoint) {
        PeerTerms terms{peer.node, *peer.key, *endpoint, Sorted(peer.prefixes), {}, 0};
        if (AddKeys(terms)) {
          peers.push_back(std::move(terms));
          continue;
        }
      }
      const std::string why =
          peer.key && endpoint
              ? StrCat("no key yet: it is being agreed on with ", peer.node)
              : StrCat("no tunnel to ", peer.node, ": its ",
                       peer.key ? "fabric address" : "tunnel key", " is not known");
      for (const LinkSide& side : sides->second) plan_.obstacles[side] = why;
    }
    return peers;
  }

  // False if there are none, neither agreed on nor left by an earlier run.
  bool AddKeys(PeerTerms& terms) const {
    if (desired_.keys != nullptr) {
      const auto keys = desired_.keys->find(terms.node);
      if (keys != desired_.keys->end() && keys->second.tunnel_key == terms.key) {
        terms.epochs = keys->second.epochs;
        terms.send_epoch = keys->second.send_epoch;
        return true;
      }
    }
    const auto peer = peers_.find(terms.key);
    return peer != peers_.end() && peer->second->epochs.empty();
  }

  void RemovePeers(const std::vector<PeerTerms>& wanted) {
    std::set<PublicKey> keep;
    for (const PeerTerms& terms : wanted) keep.insert(terms.key);
    for (const ActualPeer& peer : actual_.peers) {
      if (peer.unanswered || !keep.contains(peer.key)) {
        plan_.actions.push_back(RemovePeer{peer.key});
      }
    }
  }

  void SetPeers(const std::vector<PeerTerms>& wanted) {
    for (const PeerTerms& terms : wanted) {
      const auto it = peers_.find(terms.key);
      if (it == peers_.end() || !IsAs(terms, *it->second)) plan_.actions.push_back(SetPeer{terms});
    }
  }

  static bool IsAs(const PeerTerms& terms, const ActualPeer& peer) {
    return peer.endpoint == terms.endpoint && Sorted(peer.allowed) == terms.allowed &&
           peer.epochs == NumbersOf(terms.epochs) && peer.send_epoch == terms.send_epoch;
  }

  const Desired& desired_;
  const Actual& actual_;
  const BootTime now_;
  std::set<LinkSide> configured_;
  std::map<PublicKey, const ActualPeer*> peers_;  // those that answer
  ActionPlan plan_;
};

}  // namespace

std::vector<uint64_t> NumbersOf(const std::vector<TunnelEpoch>& epochs) {
  std::vector<uint64_t> numbers;
  numbers.reserve(epochs.size());
  for (const TunnelEpoch& epoch : epochs) numbers.push_back(epoch.number);
  return numbers;
}

bool operator==(const PeerTerms& a, const PeerTerms& b) {
  return a.node == b.node && a.key == b.key && a.endpoint == b.endpoint && a.allowed == b.allowed &&
         NumbersOf(a.epochs) == NumbersOf(b.epochs) && a.send_epoch == b.send_epoch;
}

std::optional<Endpoint> ChooseEndpoint(const std::vector<Endpoint>& endpoints,
                                       const std::vector<IpPrefix>& fabric_networks) {
  for (const IpPrefix& network : fabric_networks) {
    for (const Endpoint& endpoint : endpoints) {
      if (network.Contains(endpoint.address)) return endpoint;
    }
  }
  for (const Endpoint& endpoint : endpoints) {
    for (const IpPrefix& network : fabric_networks) {
      if (network.address.v6 == endpoint.address.v6) return endpoint;
    }
  }
  if (endpoints.empty()) return std::nullopt;
  return endpoints.front();
}

ActionPlan Reconcile(const Desired& desired, const Actual& actual, BootTime now) {
  return Reconciler(desired, actual, now).Run();
}

}  // namespace sluice
