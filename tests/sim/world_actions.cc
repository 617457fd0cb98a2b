// What the schedule does to the fleet.
#include <algorithm>

#include "base/crypto.h"
#include "tests/sim/world.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"

namespace sluice::sim {
namespace {

constexpr std::array<FakeDatapath::Call, 7> kGateCalls = {
    FakeDatapath::Call::kStart, FakeDatapath::Call::kSetOwnPrefixes, FakeDatapath::Call::kSetRoutes,
    FakeDatapath::Call::kApply, FakeDatapath::Call::kClose,          FakeDatapath::Call::kRead,
    FakeDatapath::Call::kVerify};

}  // namespace

void World::Do(const Action& action) {
  const auto subject = static_cast<size_t>(std::max<int64_t>(action.args[0], 0));
  switch (action.kind) {
    case ActionKind::kTraffic:
      return BeginFlow(action);
    case ActionKind::kSetQuota:
      return SetQuota(action);
    case ActionKind::kSetScope:
      return SetScopeQuota(action);
    case ActionKind::kDeleteQuota:
      return DeleteQuota(Scope::Link(profile_.links[subject]));
    case ActionKind::kDeleteScope:
      return DeleteQuota(profile_.scopes[subject]);
    case ActionKind::kRevokeScope:
    case ActionKind::kRestoreScope:
      return ChangeScope(action);
    case ActionKind::kRevoke:
    case ActionKind::kRestore:
      return ChangeLink(action);
    case ActionKind::kClockRate:
      if (action.args[0] < 0) return controller_clock_.SetRate(action.args[1]);
      return nodes_[subject]->clock.SetRate(action.args[1]);
    case ActionKind::kCrashController:
    case ActionKind::kCrashInCommit:
    case ActionKind::kCrashInSending:
    case ActionKind::kFailCommits:
    case ActionKind::kStallController:
      return DoToController(action);
    default:
      checker_->Disturbed();
      return DoToNode(action, *nodes_[subject]);
  }
}

void World::DoToController(const Action& action) {
  using Crash = SimStore::Crash;
  checker_->Disturbed();
  const int64_t first = action.args[0];
  const int64_t second = action.args[1];
  switch (action.kind) {
    case ActionKind::kCrashController:
      if (core_) CrashController(first, second != 0);
      return;
    case ActionKind::kCrashInCommit:
      down_after_crash_ms_ = second;
      return store_->CrashInCommit(first == 0 ? Crash::kBeforeWrite : Crash::kAfterWrite);
    case ActionKind::kCrashInSending:
      sends_before_crash_ = first;
      down_after_crash_ms_ = second;
      return;
    case ActionKind::kFailCommits:
      return store_->FailCommits(static_cast<int>(first), second != 0);
    default:
      controller_stalled_ = std::max(controller_stalled_, now_ + first * kMillisecond);
  }
}

void World::DoToNode(const Action& action, Node& node) {
  const int64_t arg = action.args[1];
  const TrueTime until = now_ + arg * kMillisecond;
  const size_t direction = arg == 0 ? 0 : 1;
  switch (action.kind) {
    case ActionKind::kRemoveNode:
      return RemoveNode(node);
    case ActionKind::kAddNode:
      if (!node.down) Leave(node);
      return;
    case ActionKind::kCut:
      if (node.session != 0) HangUp(node.session, true);
      return;
    case ActionKind::kPartition:
      return Partition(node, arg);
    case ActionKind::kStall:
      node.stalled = std::max(node.stalled, until);
      return;
    case ActionKind::kSuspend:
      node.suspended = std::max(node.suspended, until);
      return;
    case ActionKind::kKillAgent:
      if (node.core) KillAgent(node, until);
      return;
    case ActionKind::kKillAgentAtCall:
      return node.calls.DieAt(arg);
    case ActionKind::kReboot:
      return Reboot(node, arg, action.args[2] != 0);
    case ActionKind::kLoseGate:
      if (node.down) return;
      KillAgent(node, now_ + kSecond / 10);
      node.gate.Reboot();
      return checker_->GateBegan(node.index);
    case ActionKind::kFailGate:
      return FailGate(node, arg, action.args[2]);
    case ActionKind::kFailTunnel:
      node.tunnel_fails = until;
      node.tunnel_device->fail_with = absl::InternalError("the tunnel fails");
      return;
    case ActionKind::kFailFiles:
      node.files_fail = until;
      return node.disk.FailWrites(absl::ResourceExhaustedError("the disk is full"));
    case ActionKind::kDuplicate:
      node.mischief[direction].duplicate = true;
      return;
    case ActionKind::kSwap:
      node.mischief[direction].swap = true;
      return;
    case ActionKind::kReplayLease:
      return ReplayLease(node, arg);
    case ActionKind::kHoldLease:
      node.hold_lease = true;
      return;
    case ActionKind::kReplayReport:
      return ReplayReport(node, arg);
    default:
      return ForgeLease(node, arg);
  }
}

void World::Partition(Node& node, int64_t ms) {
  node.partitioned = std::max(node.partitioned, now_ + ms * kMillisecond);
  const TrueTime notices = now_ + rng_.Range(2'000, 5'000) * kMillisecond;
  if (node.session != 0 && notices < node.partitioned)
    Post(notices, EventKind::kAgentHangup, node.session);
}

void World::FailGate(Node& node, int64_t which, int64_t times) {
  if (!node.datapath) return;
  node.datapath->fake().Fail(kGateCalls[static_cast<size_t>(which)],
                             absl::InternalError("the gate fails"), static_cast<int>(times));
}

void World::ReplayLease(Node& node, int64_t back) {
  if (static_cast<size_t>(back) >= node.old_leases.size()) return;
  agent::v1::ControllerMessage message;
  *message.mutable_lease() =
      node.old_leases[node.old_leases.size() - 1 - static_cast<size_t>(back)];
  TellAgent(node, message);
}

// Somebody who has seen a lease makes one of his own.
void World::ForgeLease(Node& node, int64_t how) {
  if (node.old_leases.empty()) return;
  agent::v1::SignedLease forged = node.old_leases.back();
  agent::v1::Lease lease;
  if (!lease.ParseFromString(forged.lease())) return;
  lease.set_sequence(lease.sequence() + 1);
  lease.set_volume_limit(lease.volume_limit() + 1'000'000);
  lease.set_lifetime_ns(lease.lifetime_ns() + 10 * kSecond);
  if (how == 2) lease.set_boot_nonce(std::string(16, 'x'));
  if (how == 0 || how == 2) {
    std::array<uint8_t, 32> seed{};
    seed.fill(9);
    const absl::StatusOr<Lease> parsed = FromProto(lease);
    if (!parsed.ok()) return;
    forged = SignLease(Secret32(seed), *parsed);
  } else if (how == 1) {
    lease.SerializeToString(forged.mutable_lease());
  } else {
    forged.set_signature(std::string(64, 'x'));
    lease.SerializeToString(forged.mutable_lease());
  }
  agent::v1::ControllerMessage message;
  *message.mutable_lease() = forged;
  TellAgent(node, message);
}

}  // namespace sluice::sim
