#include "tests/sim/checker.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "wire/lease_codec.h"

namespace sluice::sim {
namespace {

std::string Words(const LinkSide& side, uint64_t sequence) {
  return StrCat(side.link.ToString(), " (", RoleName(side.role), ") lease ", sequence);
}

}  // namespace

Checker::Checker(const TrueTime& now, int64_t rho_ppb, const MachineClock& controller_clock,
                 std::vector<Node> nodes, const Profile& profile)
    : now_(now),
      rho_ppb_(rho_ppb),
      controller_clock_(controller_clock),
      nodes_(std::move(nodes)),
      sides_(nodes_.size()),
      boots_(nodes_.size()),
      gates_(nodes_.size()),
      repeated_(nodes_.size()),
      gone_(nodes_.size()),
      enclosures_(profile.enclosures) {
  const auto node = [&](const std::string& name) {
    const auto found = std::ranges::find(nodes_, name, &Node::name);
    return static_cast<int>(found - nodes_.begin());
  };
  for (const LinkName& name : profile.links) {
    Link& link = links_.emplace_back();
    link.name = name;
    link.sender.node = node(name.src);
    link.sender.side = {name, Role::kSend};
    link.receiver.node = node(name.dst);
    link.receiver.side = {name, Role::kReceive};
  }
  for (Link& link : links_) {
    sides_[static_cast<size_t>(link.sender.node)].push_back({&link, Role::kSend});
    sides_[static_cast<size_t>(link.receiver.node)].push_back({&link, Role::kReceive});
  }
  std::vector<Scope> scopes = profile.scopes;
  for (const LinkName& name : profile.links) scopes.push_back(Scope::Link(name));
  for (const Scope& scope : scopes) {
    Budget& budget = budgets_.emplace_back();
    budget.scope = scope;
    for (Link& link : links_) {
      if (!Contains(scope, link, profile)) continue;
      budget.links.push_back(&link);
      link.budgets.push_back(&budget);
      if (scope.is_link()) link.own = &budget;
    }
  }
}

void Checker::Fail(std::string invariant, std::string what) {
  if (!violation_) violation_ = Violation{std::move(invariant), std::move(what), now_};
}

Checker::Link* Checker::Find(const LinkName& name) {
  const auto found = std::ranges::find(links_, name, &Link::name);
  return found == links_.end() ? nullptr : &*found;
}

void Checker::Restored(const LinkName& name) { Find(name)->suspended_since.reset(); }

void Checker::Revoked(const LinkName& name, const Effects& effects, bool src_online,
                      bool dst_online) {
  Link& link = *Find(name);
  link.suspended_since = now_;
  const auto told = [&](const std::string& node, Role role, uint64_t newest) {
    return std::ranges::any_of(effects.sends, [&](const Effects::Send& send) {
      if (send.node != node || !send.message.has_revoke()) return false;
      const agent::v1::Revoke& revoke = send.message.revoke();
      return revoke.link() == name.ToString() && revoke.role() == ToProto(role) &&
             revoke.sequence() >= newest;
    });
  };
  for (const End* end : {&link.sender, &link.receiver}) {
    const bool sends = end == &link.sender;
    const bool online = sends ? src_online : dst_online;
    if (!online || end->newest_issued == 0) continue;
    if (!told(sends ? name.src : name.dst, end->side.role, end->newest_issued))
      Fail("revocation",
           StrCat(Words(end->side, end->newest_issued), " was revoked and this end was not told"));
  }
}

void Checker::ReportsRepeated(int node) {
  repeated_[static_cast<size_t>(node)] = true;
  for (auto& [link, role] : sides_[static_cast<size_t>(node)]) {
    if (role == Role::kSend) link->overcounted = true;
  }
}

void Checker::ControllerStarted(const ControllerCore& core,
                                const std::map<LinkName, LinkRecord>& records,
                                const std::map<Scope, ScopeRecord>& scopes,
                                const std::set<Scope>& stops) {
  core_ = &core;
  ledger_base_ = LedgerTime{} + core.Status().ledger_time;
  clock_base_ = controller_clock_.Now();
  Disturbed();
  TakeStored(records, scopes);
  std::erase_if(stops_, [&](const auto& stop) { return !stops.contains(stop.first); });
  for (const Scope& scope : stops) ScopeRevoked(scope);
  for (Link& link : links_) {
    for (const Role role : {Role::kSend, Role::kReceive}) {
      const End& end = EndOf(link, role);
      const MachineClock& clock = *nodes_[static_cast<size_t>(end.node)].clock;
      if (end.held && clock.Now() < end.held->lease.ExpiresAt()) CheckBelief(end);
    }
  }
}

void Checker::GateBegan(int node) {
  ++gates_[static_cast<size_t>(node)];
  boots_[static_cast<size_t>(node)] = BootNonce{};
  for (auto& [link, role] : sides_[static_cast<size_t>(node)]) {
    End& end = EndOf(*link, role);
    end.held.reset();
    if (role == Role::kSend) link->boot_admitted = link->told = 0;
  }
}

void Checker::AgentStarted(int node, const BootNonce& nonce) {
  const auto index = static_cast<size_t>(node);
  const auto [known, added] = nonces_.try_emplace(nonce, node, gates_[index]);
  if (known->second != std::pair(node, gates_[index]))
    Fail("fail closed", StrCat("node ", nodes_[index].name,
                               " has a gate that began anew and the nonce of the one before"));
  if (boots_[index] == nonce) return;
  boots_[index] = nonce;
  for (auto& [link, role] : sides_[index]) {
    End& end = EndOf(*link, role);
    end.issued.clear();
    end.newest_held = 0;
    end.revoked = 0;
  }
}

void Checker::RevokeObeyed(const LinkSide& side, uint64_t sequence) {
  Link* link = Find(side.link);
  if (link == nullptr) return;
  End& end = EndOf(*link, side.role);
  end.revoked = std::max(end.revoked, sequence);
}

// A sender that says less than before, because the side has no route just now, is
// taken as one whose counter began anew: the ledger counts too much.
void Checker::NoteCount(const agent::v1::LinkReport& report) {
  const absl::StatusOr<LinkName> name = ParseLinkName(report.link());
  Link* link = name.ok() ? Find(*name) : nullptr;
  if (link == nullptr || report.role() != agent::v1::ROLE_SEND) return;
  if (report.admitted_bytes() < link->told) link->overcounted = true;
  link->told = std::max(link->told, report.admitted_bytes());
}

void Checker::MessageLeft(int node, const agent::v1::AgentMessage& message) {
  int64_t sent_at = 0;
  for (const agent::v1::LinkReport& report : message.hello().links()) NoteCount(report);
  for (const agent::v1::LinkReport& report : message.heartbeat().links()) NoteCount(report);
  if (message.has_lease_request()) NoteCount(message.lease_request().usage());
  if (message.has_lease_closed()) NoteCount(message.lease_closed().usage());
  if (message.has_hello()) sent_at = message.hello().sent_at_ns();
  if (message.has_heartbeat()) sent_at = message.heartbeat().sent_at_ns();
  if (message.has_lease_request()) sent_at = message.lease_request().sent_at_ns();
  const Node& sender = nodes_[static_cast<size_t>(node)];
  if (sent_at > sender.clock->Now().ns)
    Fail("time", StrCat("node ", sender.name, " says that it sent a message in the future"));
}

}  // namespace sluice::sim
