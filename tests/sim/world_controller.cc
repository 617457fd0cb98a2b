// The controller's process: how engine and server drive the core.
#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "tests/sim/world.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

namespace sluice::sim {
namespace {

constexpr int64_t kTickInterval = 50 * kMillisecond;
constexpr int64_t kJoinPause = 300 * kMillisecond;
constexpr size_t kOldLeases = 40;

CoreConfig ConfigOf(const Profile& profile, int machine_boots) {
  CoreConfig config;
  config.fleet = "sim";
  std::array<uint8_t, 32> seed{};
  seed.fill(7);
  config.signing_seed = Secret32(seed);
  config.heartbeat = profile.heartbeat;
  config.clock_rate_error = static_cast<double>(profile.rho_ppb) / 1e9;
  config.endpoint = "192.0.2.1:51819";
  config.control_key = PublicKey{42};
  config.machine_boot = StrCat("boot-", machine_boots);
  return config;
}

}  // namespace

// False if it was down, or died over it.
template <typename Call>
bool World::InController(Call call) {
  if (!core_) return false;
  Effects effects;
  try {
    call(*core_, effects);
  } catch (const ControllerDied&) {
    CrashController(down_after_crash_ms_, false);
    return false;
  }
  Carry(std::move(effects));
  return core_ != nullptr;
}

// As the engine does before an operator's command.
void World::FlushController() {
  InController([](ControllerCore& core, Effects& effects) { core.Flush(effects); });
}

void World::StartController() {
  const int64_t generation = ++controller_generation_;
  try {
    auto core =
        ControllerCore::Create(ConfigOf(profile_, machine_boots_), *store_, controller_clock_);
    if (core.ok()) core_ = *std::move(core);
  } catch (const ControllerDied&) {
  }
  if (!core_) return Post(now_ + kSecond / 2, EventKind::kStartController, 0, generation);
  checker_->ControllerStarted(*core_, store_->links(), store_->scopes(), store_->stops());
  Post(now_ + kTickInterval, EventKind::kControllerTick, 0, generation);
}

void World::CrashController(int64_t down_ms, bool reboot) {
  core_.reset();
  checker_->ControllerStopped();
  checker_->Disturbed();
  sends_before_crash_.reset();
  if (reboot) {
    ++machine_boots_;
    controller_clock_.Reboot(rng_.Range(1, 50) * kSecond);
  }
  for (; first_session_ < sessions_.size(); ++first_session_)
    sessions_[first_session_].controller_end = false;
  for (const auto& node : nodes_) {
    node->heard_session = 0;
    if (node->session == 0) continue;
    const int64_t notices = rng_.Chance(80) ? Delay() : rng_.Range(2, 5) * kSecond;
    Post(now_ + notices, EventKind::kAgentHangup, node->session);
  }
  Post(now_ + down_ms * kMillisecond, EventKind::kStartController, 0, ++controller_generation_);
}

void World::Carry(Effects effects) {
  for (Effects::Send& send : effects.sends) {
    if (sends_before_crash_ && (*sends_before_crash_)-- <= 0)
      return CrashController(down_after_crash_ms_, false);
    CarrySend(send);
  }
  for (const Effects::EndSession& end : effects.end_sessions) {
    const auto id = static_cast<int64_t>(end.session);
    Session& session = SessionOf(id);
    Node& node = *nodes_[static_cast<size_t>(session.node)];
    session.controller_end = false;
    if (node.heard_session == id) node.heard_session = 0;
    Post(std::max(session.down_at, now_) + Delay(), EventKind::kAgentHangup, id);
  }
}

void World::CarrySend(Effects::Send& send) {
  const auto found = std::ranges::find(nodes_, send.node, [](const auto& n) { return n->name; });
  Node& node = **found;
  if (send.message.has_lease()) {
    ++outcome_.leases;
    agent::v1::Lease lease;
    const LinkRecord* record = nullptr;
    if (lease.ParseFromString(send.message.lease().lease()))
      if (const auto name = ParseLinkName(lease.link()); name.ok()) record = store_->Find(*name);
    checker_->LeaseLeft(send.message.lease(), record);
    node.old_leases.push_back(send.message.lease());
    if (node.old_leases.size() > kOldLeases) node.old_leases.pop_front();
    if (std::exchange(node.hold_lease, false)) {
      node.held_link = lease.link();
      node.held_lease = std::move(send.message);
      return;
    }
  }
  SendDown(node, std::move(send.message));
}

void World::ToController(int64_t id) {
  Session& session = SessionOf(id);
  if (session.up.empty() || !session.controller_end) return;
  const agent::v1::AgentMessage message = std::move(session.up.front());
  session.up.pop_front();
  Node& node = *nodes_[static_cast<size_t>(session.node)];
  absl::Status status;
  const bool lives = InController([&](ControllerCore& core, Effects& effects) {
    if (message.has_hello()) node.heard_session = id;
    status = core.OnMessage(node.name, static_cast<uint64_t>(id), message, effects);
    if (!rng_.Chance(30)) core.Flush(effects);  // or what follows shares the commit
  });
  if (!lives || status.ok()) return;
  ControllerHangup(id);
  session.controller_end = false;
  Post(std::max(session.down_at, now_) + Delay(), EventKind::kAgentHangup, id);
}

void World::ControllerTick() {
  Post(now_ + kTickInterval, EventKind::kControllerTick, 0, controller_generation_);
  InController([](ControllerCore& core, Effects& effects) { core.Tick(effects); });
}

void World::ControllerHangup(int64_t id) {
  Session& session = SessionOf(id);
  if (!session.controller_end) return;
  session.controller_end = false;
  Node& node = *nodes_[static_cast<size_t>(session.node)];
  if (node.heard_session == id) node.heard_session = 0;
  InController([&](ControllerCore& core, Effects& effects) {
    core.OnSessionEnd(node.name, static_cast<uint64_t>(id), effects);
  });
}

// One step of adding and enrolling; comes again until the node is in.
void World::Join(Node& node) {
  if (node.address) return;
  absl::Status status = absl::UnavailableError("no way");
  const bool reachable = now_ >= node.partitioned && !node.down;
  if (reachable && !node.token) {
    InController([&](ControllerCore& core, Effects& effects) {
      const IpPrefix prefix = ParseIpPrefix(StrCat("10.", node.index + 1, ".0.0/24")).value();
      const auto added =
          core.AddNode(node.name, profile_.enclosures[static_cast<size_t>(node.index)],
                       node.index == profile_.gateway, {prefix}, effects);
      if (added.ok()) checker_->NodeAdded(node.index);
      if (added.ok()) node.token = DecodeJoinToken(added->token).value().address;
    });
  } else if (reachable) {
    agent::v1::EnrolRequest request;
    PublicKey key{static_cast<uint8_t>(node.index + 1), static_cast<uint8_t>(node.keys + 1), 1};
    request.set_identity_key(ToWireBytes(Ed25519PublicKey(IdentityOf(node))));
    key[3] = 1;
    request.set_control_key(ToWireBytes(key));
    InController([&](ControllerCore& core, Effects& effects) {
      const auto reply = core.Enrol(*node.token, request, effects);
      status = reply.status();
      if (reply.ok()) node.address = ParseIpAddress(reply->control_address()).value();
    });
    if (absl::IsPermissionDenied(status)) node.token.reset();
  }
  if (!node.address)
    return Post(now_ + Delay() + kJoinPause, EventKind::kJoin, node.index, node.join_generation);
  node.token.reset();
  Post(now_ + Delay(), EventKind::kStartAgent, node.index, ++node.start_generation);
}

void World::SetQuota(const Action& action) {
  Quota quota;
  quota.scope = Scope::Link(profile_.links[static_cast<size_t>(action.args[0])]);
  quota.rate = BitRate{static_cast<uint64_t>(action.args[1])};
  quota.volume = Bytes{static_cast<uint64_t>(action.args[2])};
  if (action.args[3] > 0) quota.window = absl::Milliseconds(action.args[3]);
  quota.lease_lifetime = absl::Milliseconds(action.args[4]);
  SetQuota(quota);
}

void World::SetScopeQuota(const Action& action) {
  Quota quota;
  quota.scope = profile_.scopes[static_cast<size_t>(action.args[0])];
  quota.rate = action.args[1] > 0 ? BitRate{static_cast<uint64_t>(action.args[1])} : kAnyRate;
  quota.volume = Bytes{static_cast<uint64_t>(action.args[2])};
  if (action.args[3] > 0) quota.window = absl::Milliseconds(action.args[3]);
  quota.lease_lifetime =
      action.args[4] > 0 ? absl::Milliseconds(action.args[4]) : kMaxLeaseLifetime;
  SetQuota(quota);
}

void World::SetQuota(const Quota& quota) {
  FlushController();
  InController([&](ControllerCore& core, Effects& effects) {
    const absl::StatusOr<Quota> set = core.SetQuota(quota, effects);
    if (set.ok()) checker_->QuotaSet(quota.scope, *set);
  });
}

void World::DeleteQuota(const Scope& scope) {
  FlushController();
  InController([&](ControllerCore& core, Effects& effects) {
    if (core.DeleteQuota(scope, effects).ok()) checker_->QuotaSet(scope, std::nullopt);
  });
}

void World::ChangeLink(const Action& action) {
  FlushController();
  const LinkName& link = profile_.links[static_cast<size_t>(action.args[0])];
  InController([&](ControllerCore& core, Effects& effects) {
    if (action.kind == ActionKind::kRestore) {
      if (core.Restore(Scope::Link(link), effects).ok()) checker_->Restored(link);
    } else {
      const std::vector<NodeView> nodes = core.Nodes();
      const auto online = [&](const std::string& name) {
        const auto node = std::ranges::find(nodes, name, &NodeView::name);
        return node != nodes.end() && node->state == NodeView::State::kOnline;
      };
      if (core.Revoke(Scope::Link(link), "a test of it", effects).ok())
        checker_->Revoked(link, effects, online(link.src), online(link.dst));
    }
  });
}

void World::ChangeScope(const Action& action) {
  FlushController();
  const Scope& scope = profile_.scopes[static_cast<size_t>(action.args[0])];
  InController([&](ControllerCore& core, Effects& effects) {
    if (action.kind == ActionKind::kRestoreScope) {
      if (core.Restore(scope, effects).ok()) checker_->ScopeRestored(scope);
    } else if (core.Revoke(scope, "a test of it", effects).ok()) {
      checker_->ScopeRevoked(scope);
    }
  });
}

void World::RemoveNode(Node& node) {
  FlushController();
  InController([&](ControllerCore& core, Effects& effects) {
    if (!core.RemoveNode(node.name, effects).ok()) return;
    checker_->NodeRemoved(node.index);
  });
}

// The one action that needs the template above.
void World::ReplayReport(Node& node, int64_t back) {
  if (node.heard_session == 0 || static_cast<size_t>(back) >= node.old_messages.size()) return;
  const agent::v1::AgentMessage message =
      node.old_messages[node.old_messages.size() - 1 - static_cast<size_t>(back)];
  const int64_t id = node.heard_session;
  checker_->ReportsRepeated(node.index);
  absl::Status status;
  const bool lives = InController([&](ControllerCore& core, Effects& effects) {
    status = core.OnMessage(node.name, static_cast<uint64_t>(id), message, effects);
    if (!rng_.Chance(30)) core.Flush(effects);  // or what follows shares the commit
  });
  if (!lives || status.ok()) return;
  ControllerHangup(id);
  Post(std::max(SessionOf(id).down_at, now_) + Delay(), EventKind::kAgentHangup, id);
}

}  // namespace sluice::sim
