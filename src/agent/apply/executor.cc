#include "agent/apply/executor.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

// Readings that a peer may leave unanswered.
constexpr int kPatience = 1;
constexpr int kMorePatience = 4;

void Note(const absl::Status& status, std::string_view what, Executor::Outcome& outcome) {
  outcome.faults.push_back(StrCat(what, ": ", ToStd(status.message())));
}

}  // namespace

std::vector<Route> AcceleratorTableRoutes(const std::string& tunnel_device,
                                          const std::vector<IpPrefix>& prefixes) {
  std::vector<Route> routes;
  bool v4_default = false;
  bool v6_default = false;
  for (const IpPrefix& prefix : prefixes) {
    routes.push_back({prefix, tunnel_device, kAcceleratorTable, false});
    if (prefix.length == 0) (prefix.address.v6 ? v6_default : v4_default) = true;
  }
  IpPrefix everything;
  if (!v4_default) routes.push_back({everything, "", kAcceleratorTable, true});
  everything.address.v6 = true;
  if (!v6_default) routes.push_back({everything, "", kAcceleratorTable, true});
  return routes;
}

Executor::Executor(Datapath& datapath, Tunnel& tunnel, RouteTable& routes)
    : datapath_(datapath), tunnel_(tunnel), routes_(routes) {}

absl::Status Executor::ReadGate(BootTime now) {
  SLUICE_ASSIGN_OR_RETURN(Datapath::Reading reading, datapath_.Read());
  actual_.gate.clear();
  for (LinkReport& report : reading.links) {
    const LinkSide side = report.side;
    actual_.gate[side] = std::move(report);
  }
  unattributed_ = reading.unattributed;
  read_at_ = now;
  return absl::OkStatus();
}

absl::Status Executor::ReadPeers() {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<TunnelPeerState> peers, tunnel_.Peers());
  if (!own_key_) {
    SLUICE_ASSIGN_OR_RETURN(own_key_, tunnel_.public_key());
  }
  actual_.peers.clear();
  std::map<PublicKey, int> asked;
  for (const TunnelPeerState& state : peers) {
    ActualPeer peer;
    peer.key = state.peer.key;
    peer.endpoint = state.peer.endpoint;
    peer.allowed = state.peer.allowed;
    if (state.sent_bytes > 0 && !state.last_handshake) {
      const int readings = asked[peer.key] = asked_[peer.key] + 1;
      peer.unanswered = readings > (*own_key_ < peer.key ? kPatience : kMorePatience);
    }
    if (const auto set = set_.find(peer.key); set != set_.end()) {
      peer.endpoint = set->second.endpoint;
      peer.epochs = set->second.epochs;
      peer.send_epoch = set->second.send_epoch;
      if (tunnel_.tells_epochs()) {
        const std::vector<uint64_t> there = NumbersOf(state.peer.epochs);
        std::erase_if(peer.epochs, [&](uint64_t e) { return !std::ranges::count(there, e); });
      }
    }
    actual_.peers.push_back(std::move(peer));
  }
  asked_ = std::move(asked);
  keyless_.clear();
  if (!tunnel_.tells_epochs()) return absl::OkStatus();
  for (const auto& [node, key] : peer_of_) {
    const auto there = std::ranges::find(actual_.peers, key, &ActualPeer::key);
    if (there == actual_.peers.end() || there->epochs != set_[key].epochs) keyless_.push_back(node);
  }
  return absl::OkStatus();
}

Executor::Outcome Executor::Execute(const ActionPlan& plan, BootTime now) {
  Outcome outcome;
  std::vector<LinkSide> sides;
  std::vector<PublicKey> peers;
  for (const Action& action : plan.actions) {
    if (const auto* close = std::get_if<CloseSide>(&action)) sides.push_back(close->side);
    if (const auto* remove = std::get_if<RemovePeer>(&action)) peers.push_back(remove->key);
  }
  if (!sides.empty() || !peers.empty()) CutAll(sides, peers, outcome);
  for (const Action& action : plan.actions) Open(action, now, outcome);
  return outcome;
}

Executor::Outcome Executor::Close(const std::vector<LinkSide>& sides) {
  Outcome outcome;
  CutAll(sides, {}, outcome);
  return outcome;
}

void Executor::CutAll(const std::vector<LinkSide>& sides, const std::vector<PublicKey>& peers,
                      Outcome& outcome) {
  TakeCut(Cut(sides, peers, datapath_, tunnel_), outcome);
}

Executor::NodeOutcome Executor::CloseNode(const TunnelConfig& blank, const Clock& clock) {
  NodeCut cut = CutNode(blank, clock, datapath_, tunnel_);
  own_key_.reset();
  NodeOutcome out{{}, cut.cut_at, cut.done};
  TakeCut(std::move(cut.cut), out.outcome);
  return out;
}

void Executor::TakeCut(CutResult cut, Outcome& outcome) {
  for (const LinkReport& report : cut.closed) actual_.gate[report.side] = report;
  for (const PublicKey& key : cut.removed) {
    std::erase_if(actual_.peers, [&](const ActualPeer& peer) { return peer.key == key; });
    set_.erase(key);
    std::erase_if(peer_of_, [&](const auto& entry) {
      if (entry.second == key) outcome.needs_key.push_back(entry.first);
      return entry.second == key;
    });
    asked_.erase(key);
  }
  outcome.closed = std::move(cut.closed);
  outcome.not_closed = std::move(cut.not_closed);
  outcome.kill_switch = cut.kill_switch;
  outcome.faults = std::move(cut.faults);
}

void Executor::Open(const Action& action, BootTime now, Outcome& outcome) {
  if (const auto* own = std::get_if<SetOwnPrefixes>(&action)) {
    const absl::Status s = datapath_.SetOwnPrefixes(own->prefixes);
    if (s.ok()) actual_.own_prefixes = own->prefixes;
    if (!s.ok()) Note(s, "cannot set the node's own prefixes", outcome);
    outcome.configured &= s.ok();
  } else if (const auto* gate = std::get_if<SetGateRoutes>(&action)) {
    std::vector<GateRoute> routes;
    for (const SideRoute& route : gate->routes) routes.push_back({route.prefix, route.side});
    const absl::Status s = datapath_.SetRoutes(routes);
    if (s.ok()) actual_.gate_routes = gate->routes;
    if (!s.ok()) Note(s, "cannot set the gate's routes", outcome);
    outcome.configured &= s.ok();
  } else if (const auto* apply = std::get_if<ApplyLease>(&action)) {
    Apply(*apply, now, outcome);
  } else if (const auto* peer = std::get_if<SetPeer>(&action)) {
    Set(*peer, outcome);
  } else if (const auto* table = std::get_if<SetTunnelRoutes>(&action)) {
    const absl::Status s = SetTable(table->prefixes);
    if (s.ok()) actual_.tunnel_routes = table->prefixes;
    if (!s.ok()) Note(s, "cannot set the accelerator port's routes", outcome);
    outcome.configured &= s.ok();
  }
}

void Executor::Apply(const ApplyLease& action, BootTime now, Outcome& outcome) {
  const LeaseTerms& terms = action.terms;
  // The tunnel first: its bounds are there to hold when nobody is left to set them.
  absl::Status s = Limit(action, now);
  if (s.ok())
    s = datapath_.Apply(action.side, {terms.sequence, terms.rate, terms.burst, terms.volume_limit,
                                      terms.expires_at});
  if (!s.ok()) {
    outcome.obstacles[action.side] =
        StrCat("gate or tunnel did not take the lease: ", ToStd(s.message()));
    return;
  }
  LinkReport& report = actual_.gate[action.side];
  report.side = action.side;
  report.lease_sequence = terms.sequence;
  report.volume_limit = terms.volume_limit;
  report.expires_in = terms.expires_at - now;
  report.closed = false;
}

absl::Status Executor::Limit(const ApplyLease& action, BootTime now) {
  const auto peer = peer_of_.find(FarNode(action.side));
  if (peer == peer_of_.end()) return absl::OkStatus();
  const auto report = actual_.gate.find(action.side);
  const Bytes admitted = report == actual_.gate.end() ? Bytes{0} : report->second.admitted;
  return tunnel_.Limit(
      peer->second, action.side.role,
      {SaturatingSub(action.terms.volume_limit, admitted), action.terms.expires_at - now});
}

void Executor::Set(const SetPeer& action, Outcome& outcome) {
  TunnelPeer peer;
  peer.key = action.terms.key;
  peer.endpoint = action.terms.endpoint;
  peer.allowed = action.terms.allowed;
  peer.epochs = action.terms.epochs;
  peer.send_epoch = action.terms.send_epoch;
  if (absl::Status s = tunnel_.SetPeer(peer); !s.ok()) {
    Note(s, StrCat("cannot set the tunnel peer at ", peer.endpoint->ToString()), outcome);
    if (absl::IsFailedPrecondition(s)) outcome.needs_key.push_back(action.terms.node);
    return;
  }
  ActualPeer set{
      peer.key,       peer.endpoint, peer.allowed, /*unanswered=*/false, NumbersOf(peer.epochs),
      peer.send_epoch};
  set_[peer.key] = set;
  peer_of_[action.terms.node] = peer.key;
  std::erase_if(actual_.peers, [&](const ActualPeer& p) { return p.key == peer.key; });
  actual_.peers.push_back(std::move(set));
  outcome.keyed.push_back(action.terms.node);
  std::erase(outcome.needs_key, action.terms.node);
}

absl::Status Executor::SetTable(const std::vector<IpPrefix>& prefixes) {
  return routes_.ReplaceTable(kAcceleratorTable,
                              AcceleratorTableRoutes(tunnel_.device(), prefixes));
}

}  // namespace sluice
