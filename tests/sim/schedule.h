// What happens to a fleet from outside: the explicit list of faults, operators'
// commands and traffic that drives one run. A run is a function of it.
#ifndef SLUICE_TESTS_SIM_SCHEDULE_H_
#define SLUICE_TESTS_SIM_SCHEDULE_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "model/names.h"
#include "model/scope.h"
#include "tests/sim/machine_clock.h"

namespace sluice::sim {

// What an action does; the words behind are its arguments.
enum class ActionKind {
  kTraffic,          // link, for ms, every us, packet bytes, packets at a time
  kSetQuota,         // link, bit/s, volume, window ms or 0, lease lifetime ms
  kDeleteQuota,      // link
  kRevoke,           // link
  kRestore,          // link
  kRemoveNode,       // node
  kAddNode,          // node: it leaves what it had, is added and enrols
  kCut,              // node: its session ends, what is under way is lost
  kPartition,        // node, for ms
  kStall,            // node, for ms: the agent does not run, the gate does
  kSuspend,          // node, for ms: nothing runs but the clock
  kKillAgent,        // node, ms until it starts again
  kKillAgentAtCall,  // node, calls: dies in its n-th call to files or gate
  kReboot,           // node, ms, 1: its run directory is still there afterwards
  kLoseGate,         // node: agent killed, gate taken away by hand
  kClockRate,        // node or -1 for the controller, ppb
  kCrashController,  // ms until it starts again, 1: its machine reboots
  kCrashInCommit,    // 1: after the write, ms
  kCrashInSending,   // effects that still go out, ms
  kFailCommits,      // how many, 1: they are written all the same
  kStallController,  // for ms
  kFailGate,         // node, which call, times
  kFailTunnel,       // node, for ms
  kFailFiles,        // node, for ms
  kDuplicate,        // node, 1: towards the controller; the next message comes twice
  kSwap,             // node, 1: towards the controller; the next two change places
  kReplayLease,      // node, how many leases ago
  kReplayReport,     // node, how many messages ago
  kHoldLease,        // node: the next lease arrives only after a Revoke of its link
  kForgeLease,       // node, how: other signer, changed bytes, other boot, higher sequence
  kSetScope,         // scope, bit/s or 0, volume, window ms or 0, lease lifetime ms or 0
  kDeleteScope,      // scope
  kRevokeScope,      // scope
  kRestoreScope,     // scope
};
inline constexpr size_t kActionKinds = 34;

struct Action {
  TrueTime at = 0;
  ActionKind kind = ActionKind::kTraffic;
  std::array<int64_t, 5> args{};
};

// The fleet and its surroundings; drawn from the seed.
struct Profile {
  std::vector<std::string> nodes;
  std::vector<std::string> enclosures;  // of each node
  int gateway = -1;                     // the node that is one
  std::vector<LinkName> links;
  std::vector<Scope> scopes;       // fleet, enclosures, nodes
  int64_t rho_ppb = 0;             // ρ
  std::vector<int64_t> rates_ppb;  // of each node's clock; the last is the controller's
  absl::Duration heartbeat;
  int64_t delay = 0;         // ns, of a message or packet …
  int64_t delay_spread = 0;  // … and how much more it may be
  bool scoped = false;       // whether scopes that are no link get quotas
};

struct Schedule {
  uint64_t seed = 0;
  uint64_t steps = 0;           // the run ends after so many
  std::vector<Action> actions;  // in order of time
};

Profile ProfileOf(uint64_t seed);
Schedule ScheduleOf(uint64_t seed, uint64_t steps);

std::string_view ActionName(ActionKind kind);
// "12.345678901 set_quota a1>b1 …": one line for people.
std::string ToString(const Action& action, const Profile& profile);

// As text: a line each for seed, steps and every action.
std::string ToText(const Schedule& schedule);
absl::StatusOr<Schedule> ParseSchedule(std::string_view text);

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_SCHEDULE_H_
