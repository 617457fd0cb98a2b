// Desired state less actual state: what has to be done. Pure.
#ifndef SLUICE_AGENT_RECONCILE_RECONCILE_H_
#define SLUICE_AGENT_RECONCILE_RECONCILE_H_

#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "agent/reconcile/node_config.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/units.h"
#include "model/lease.h"
#include "model/link_epoch.h"
#include "model/prefix.h"

namespace sluice {

// A lease that was accepted, as far as gate and shaper care.
struct LeaseTerms {
  uint64_t sequence = 0;
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;
  BootTime expires_at;
  friend bool operator==(const LeaseTerms&, const LeaseTerms&) = default;
};

// Which link side the traffic of a far node's prefix belongs to.
struct SideRoute {
  IpPrefix prefix;
  LinkSide side;
  friend auto operator<=>(const SideRoute&, const SideRoute&) = default;
};

struct PeerTerms {
  std::string node;
  PublicKey key{};
  Endpoint endpoint;
  std::vector<IpPrefix> allowed;  // sorted
  // As in PeerKeys. No epochs: those that an earlier run of the agent left are kept.
  std::vector<TunnelEpoch> epochs;
  uint64_t send_epoch = 0;
  friend bool operator==(const PeerTerms& a, const PeerTerms& b);
};
// Which epochs, without a look at their keys.
std::vector<uint64_t> NumbersOf(const std::vector<TunnelEpoch>& epochs);

struct Desired {
  NodeConfig config;
  std::map<LinkSide, LeaseTerms> leases;
  const PeerKeyMap* keys = nullptr;  // outlives the plan; null: none
  // The node's fabric networks, in the order of its ports; an endpoint inside
  // one of them is preferred.
  std::vector<IpPrefix> fabric_networks;
  bool deny_all = false;  // nothing may be open, whatever the leases say
};

// A tunnel peer as it is. `endpoint` is the one that was configured, not where
// the peer was last heard from, since that may rightly move.
struct ActualPeer {
  PublicKey key{};
  std::optional<Endpoint> endpoint;
  std::vector<IpPrefix> allowed;
  // It was asked for a handshake a while ago and has never answered: when it was asked
  // it may not have known us. WireGuard itself asks again only after 5 s.
  bool unanswered = false;
  // As last set; empty for what an earlier run left.
  std::vector<uint64_t> epochs;
  uint64_t send_epoch = 0;
};

struct Actual {
  std::map<LinkSide, LinkReport> gate;
  std::vector<ActualPeer> peers;
  // What was last set; none if that is not known (after a start).
  std::optional<std::vector<IpPrefix>> own_prefixes;
  std::optional<std::vector<SideRoute>> gate_routes;
  std::optional<std::vector<IpPrefix>> tunnel_routes;
};

struct SetOwnPrefixes {
  std::vector<IpPrefix> prefixes;
  friend bool operator==(const SetOwnPrefixes&, const SetOwnPrefixes&) = default;
};
struct SetGateRoutes {
  std::vector<SideRoute> routes;
  friend bool operator==(const SetGateRoutes&, const SetGateRoutes&) = default;
};
struct ApplyLease {
  LinkSide side;
  LeaseTerms terms;
  friend bool operator==(const ApplyLease&, const ApplyLease&) = default;
};
struct CloseSide {
  LinkSide side;
  friend bool operator==(const CloseSide&, const CloseSide&) = default;
};
struct SetPeer {
  PeerTerms terms;
  friend bool operator==(const SetPeer&, const SetPeer&) = default;
};
struct RemovePeer {
  PublicKey key{};
  friend bool operator==(const RemovePeer&, const RemovePeer&) = default;
};
// The prefixes that the table of the accelerator port sends into the tunnel;
// all else of that table is a black hole.
struct SetTunnelRoutes {
  std::vector<IpPrefix> prefixes;
  friend bool operator==(const SetTunnelRoutes&, const SetTunnelRoutes&) = default;
};
using Action = std::variant<CloseSide, RemovePeer, SetOwnPrefixes, SetGateRoutes, ApplyLease,
                            SetPeer, SetTunnelRoutes>;

struct ActionPlan {
  // In the order in which they must be done: first all that closes, gate
  // before peer; then what opens, route before peer before gate.
  std::vector<Action> actions;
  // Sides whose lease cannot carry a packet although nothing here failed, and why.
  std::map<LinkSide, std::string> obstacles;
};

ActionPlan Reconcile(const Desired& desired, const Actual& actual, BootTime now);

// Whether the gate admits packets on this side, volume aside.
inline bool IsOpen(const LinkReport& report) {
  return report.lease_sequence != 0 && !report.closed && report.expires_in > absl::ZeroDuration();
}

// The endpoint to reach a peer at: the first inside one of our networks, else
// the first whose family one of our networks has, else the first.
std::optional<Endpoint> ChooseEndpoint(const std::vector<Endpoint>& endpoints,
                                       const std::vector<IpPrefix>& fabric_networks);

}  // namespace sluice

#endif  // SLUICE_AGENT_RECONCILE_RECONCILE_H_
