#include "tests/sim/schedule.h"

#include <algorithm>
#include <sstream>

#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "base/strings.h"
#include "tests/sim/rng.h"

namespace sluice::sim {
namespace {

constexpr std::array<std::string_view, kActionKinds> kNames = {"traffic",
                                                               "set_quota",
                                                               "delete_quota",
                                                               "revoke",
                                                               "restore",
                                                               "remove_node",
                                                               "add_node",
                                                               "cut",
                                                               "partition",
                                                               "stall",
                                                               "suspend",
                                                               "kill_agent",
                                                               "kill_agent_at_call",
                                                               "reboot",
                                                               "lose_gate",
                                                               "clock_rate",
                                                               "crash_controller",
                                                               "crash_in_commit",
                                                               "crash_in_sending",
                                                               "fail_commits",
                                                               "stall_controller",
                                                               "fail_gate",
                                                               "fail_tunnel",
                                                               "fail_files",
                                                               "duplicate",
                                                               "swap",
                                                               "replay_lease",
                                                               "replay_report",
                                                               "hold_lease",
                                                               "forge_lease",
                                                               "set_scope",
                                                               "delete_scope",
                                                               "revoke_scope",
                                                               "restore_scope"};

// How often each kind comes, against the others; a seed leaves out some.
constexpr std::array<int, kActionKinds> kWeights = {60, 8, 2, 4, 5, 1, 3, 5, 5, 3, 2, 4,
                                                    4,  3, 1, 3, 3, 4, 4, 4, 2, 4, 1, 2,
                                                    3,  3, 5, 2, 8, 3, 8, 3, 2, 6};

constexpr int64_t kHorizon = 90 * kSecond;

bool IsVital(ActionKind kind) {
  return kind == ActionKind::kTraffic || kind == ActionKind::kSetQuota ||
         kind == ActionKind::kRestore || kind == ActionKind::kAddNode ||
         kind == ActionKind::kSetScope || kind == ActionKind::kRestoreScope;
}

bool IsOfScope(ActionKind kind) {
  return kind >= ActionKind::kSetScope && kind <= ActionKind::kRestoreScope;
}

class Author {
 public:
  Author(uint64_t seed, const Profile& profile) : rng_(seed * 2 + 1), profile_(profile) {
    for (size_t i = 0; i < kActionKinds; ++i) {
      const auto kind = static_cast<ActionKind>(i);
      const bool out = (!IsVital(kind) && rng_.Chance(45)) || (IsOfScope(kind) && !profile.scoped);
      weights_[i] = out ? 0 : kWeights[i];
      total_ += weights_[i];
    }
    pause_ = rng_.Scale(60 * kMillisecond, 600 * kMillisecond);
  }

  std::vector<Action> Write() {
    for (size_t link = 0; link < profile_.links.size(); ++link) {
      Add(200 * kMillisecond, ActionKind::kSetQuota);
      actions_.back().args[0] = static_cast<int64_t>(link);
      Add(300 * kMillisecond, ActionKind::kTraffic);
      actions_.back().args[0] = static_cast<int64_t>(link);
    }
    if (profile_.scoped) {
      for (int64_t i = rng_.Range(1, 3); i > 0; --i) Add(250 * kMillisecond, ActionKind::kSetScope);
    }
    TrueTime at = kSecond;
    while ((at += rng_.Range(1, 2 * pause_)) < kHorizon) Add(at, Choose());
    std::stable_sort(actions_.begin(), actions_.end(),
                     [](const Action& a, const Action& b) { return a.at < b.at; });
    return std::move(actions_);
  }

 private:
  ActionKind Choose() {
    int64_t left = rng_.Range(0, total_ - 1);
    for (size_t i = 0; i < kActionKinds; ++i) {
      if ((left -= weights_[i]) < 0) return static_cast<ActionKind>(i);
    }
    return ActionKind::kTraffic;
  }

  int64_t Node() { return rng_.Range(0, static_cast<int64_t>(profile_.nodes.size()) - 1); }
  int64_t Scope() { return rng_.Range(0, static_cast<int64_t>(profile_.scopes.size()) - 1); }
  int64_t Link() { return rng_.Range(0, static_cast<int64_t>(profile_.links.size()) - 1); }

  void Add(TrueTime at, ActionKind kind) {
    Action action{at, kind, Arguments(kind)};
    actions_.push_back(action);
  }

  std::array<int64_t, 5> Arguments(ActionKind kind) {
    switch (kind) {
      case ActionKind::kTraffic:
        return {Link(), rng_.Scale(500, 16'000), rng_.Scale(10'000, 80'000), rng_.Scale(64, 20'000),
                rng_.Range(1, 3)};
      case ActionKind::kSetQuota:
        return {Link(), rng_.Scale(64'000, 8'000'000), rng_.Scale(20'000, 2'000'000),
                rng_.Chance(40) ? rng_.Scale(1'000, 20'000) : 0, rng_.Scale(1'000, 10'000)};
      case ActionKind::kDeleteQuota:
      case ActionKind::kRevoke:
      case ActionKind::kRestore:
        return {Link()};
      case ActionKind::kRemoveNode:
      case ActionKind::kAddNode:
      case ActionKind::kCut:
      case ActionKind::kLoseGate:
      case ActionKind::kHoldLease:
        return {Node()};
      case ActionKind::kPartition:
      case ActionKind::kStall:
      case ActionKind::kSuspend:
      case ActionKind::kFailTunnel:
      case ActionKind::kFailFiles:
        return {Node(), rng_.Scale(50, 12'000)};
      case ActionKind::kKillAgent:
        return {Node(), rng_.Scale(50, 8'000)};
      case ActionKind::kKillAgentAtCall:
        return {Node(), rng_.Scale(1, 64)};
      case ActionKind::kReboot:
        return {Node(), rng_.Scale(100, 10'000), rng_.Range(0, 1)};
      case ActionKind::kClockRate:
        return {rng_.Range(-1, static_cast<int64_t>(profile_.nodes.size()) - 1), Rate()};
      default:
        return ArgumentsOfRest(kind);
    }
  }

  std::array<int64_t, 5> ArgumentsOfRest(ActionKind kind) {
    switch (kind) {
      case ActionKind::kCrashController:
        return {rng_.Scale(50, 8'000), rng_.Range(0, 1)};
      case ActionKind::kCrashInCommit:
        return {rng_.Range(0, 1), rng_.Scale(50, 8'000)};
      case ActionKind::kCrashInSending:
        return {rng_.Range(0, 2), rng_.Scale(50, 8'000)};
      case ActionKind::kFailCommits:
        return {rng_.Scale(1, 8), rng_.Range(0, 1)};
      case ActionKind::kStallController:
        return {rng_.Scale(20, 5'000)};
      case ActionKind::kFailGate:
        return {Node(), rng_.Range(0, 6), rng_.Scale(1, 4)};
      case ActionKind::kDuplicate:
      case ActionKind::kSwap:
        return {Node(), rng_.Range(0, 1)};
      case ActionKind::kReplayLease:
      case ActionKind::kReplayReport:
        return {Node(), rng_.Scale(0, 32) + rng_.Range(0, 3)};
      case ActionKind::kForgeLease:
        return {Node(), rng_.Range(0, 3)};
      case ActionKind::kSetScope:
        return {Scope(), rng_.Chance(40) ? rng_.Scale(64'000, 16'000'000) : 0,
                rng_.Scale(50'000, 4'000'000), rng_.Chance(40) ? rng_.Scale(1'000, 20'000) : 0,
                rng_.Chance(20) ? rng_.Scale(1'000, 10'000) : 0};
      case ActionKind::kDeleteScope:
      case ActionKind::kRevokeScope:
      case ActionKind::kRestoreScope:
        return {Scope()};
      default:
        return {};
    }
  }

  int64_t Rate() {
    const int64_t rho = profile_.rho_ppb;
    if (rng_.Chance(60)) return rng_.Chance(50) ? rho : -rho;
    return rng_.Range(-rho, rho);
  }

  Rng rng_;
  const Profile& profile_;
  std::array<int, kActionKinds> weights_{};
  int64_t total_ = 0;
  int64_t pause_ = 0;
  std::vector<Action> actions_;
};

absl::StatusOr<Action> ParseAction(const std::string& line) {
  std::istringstream in(line);
  Action action;
  std::string name;
  in >> action.at >> name;
  const auto found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return absl::InvalidArgumentError(StrCat("no such action: ", line));
  action.kind = static_cast<ActionKind>(found - kNames.begin());
  for (int64_t& arg : action.args) in >> arg;
  if (in.fail()) return absl::InvalidArgumentError(StrCat("not an action: ", line));
  return action;
}

}  // namespace

Profile ProfileOf(uint64_t seed) {
  Rng rng(seed * 2);
  Profile profile;
  const int64_t nodes = rng.Range(3, 5);
  for (int64_t i = 0; i < nodes; ++i) {
    profile.nodes.push_back(StrCat("n", i + 1));
    profile.enclosures.push_back(i % 2 == 0 ? "east" : "west");
  }
  const auto links = static_cast<size_t>(rng.Range(4, std::min<int64_t>(8, nodes * (nodes - 1))));
  while (profile.links.size() < links) {
    const auto src = static_cast<size_t>(rng.Range(0, nodes - 1));
    const auto dst = static_cast<size_t>(rng.Range(0, nodes - 1));
    const LinkName link{profile.nodes[src], profile.nodes[dst]};
    if (src == dst || std::ranges::find(profile.links, link) != profile.links.end()) continue;
    profile.links.push_back(link);
  }
  constexpr std::array<int64_t, 3> kRho = {1'000'000, 10'000'000, 50'000'000};
  profile.rho_ppb = kRho[static_cast<size_t>(rng.Range(0, 2))];
  const bool at_bound = rng.Chance(50);
  for (int64_t i = 0; i <= nodes; ++i) {
    const int64_t rho = profile.rho_ppb;
    profile.rates_ppb.push_back(at_bound ? (rng.Chance(50) ? rho : -rho) : rng.Range(-rho, rho));
  }
  profile.heartbeat = absl::Milliseconds(rng.Chance(50) ? 1'000 : 200);
  profile.delay = rng.Scale(50 * kMicrosecond, 20 * kMillisecond);
  profile.delay_spread = rng.Scale(10 * kMicrosecond, 100 * kMillisecond);
  profile.scoped = rng.Chance(60);
  if (rng.Chance(30)) profile.gateway = static_cast<int>(rng.Range(0, nodes - 1));
  profile.scopes = {Scope::Fleet(), Scope::Enclosure("east"), Scope::Enclosure("west")};
  for (const std::string& node : profile.nodes) profile.scopes.push_back(Scope::Node(node));
  return profile;
}

Schedule ScheduleOf(uint64_t seed, uint64_t steps) {
  const Profile profile = ProfileOf(seed);
  return Schedule{seed, steps, Author(seed, profile).Write()};
}

std::string_view ActionName(ActionKind kind) { return kNames[static_cast<size_t>(kind)]; }

std::string ToString(const Action& action, const Profile& profile) {
  const auto first = static_cast<size_t>(action.args[0]);
  std::string subject;
  if (action.kind <= ActionKind::kRestore) {
    subject = profile.links[first].ToString();
  } else if (IsOfScope(action.kind)) {
    subject = profile.scopes[first].ToString();
  } else {
    subject = absl::StrFormat("%d", action.args[0]);
  }
  return absl::StrFormat("%11.6f s  %s %s %d %d %d %d", static_cast<double>(action.at) / 1e9,
                         std::string(ActionName(action.kind)), subject, action.args[1],
                         action.args[2], action.args[3], action.args[4]);
}

std::string ToText(const Schedule& schedule) {
  std::string text = absl::StrFormat("seed %d\nsteps %d\n", schedule.seed, schedule.steps);
  for (const Action& action : schedule.actions) {
    absl::StrAppendFormat(&text, "%d %s", action.at, std::string(ActionName(action.kind)));
    for (const int64_t arg : action.args) absl::StrAppendFormat(&text, " %d", arg);
    text += "\n";
  }
  return text;
}

absl::StatusOr<Schedule> ParseSchedule(std::string_view text) {
  Schedule schedule;
  for (const absl::string_view piece :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n', absl::SkipWhitespace())) {
    const std::string line(piece);
    std::istringstream in(line);
    std::string word;
    in >> word;
    if (word == "seed") {
      in >> schedule.seed;
    } else if (word == "steps") {
      in >> schedule.steps;
    } else if (line[0] != '#') {
      absl::StatusOr<Action> action = ParseAction(line);
      if (!action.ok()) return action.status();
      schedule.actions.push_back(*action);
    }
  }
  const Profile profile = ProfileOf(schedule.seed);
  for (const Action& action : schedule.actions) {
    const bool of_link = action.kind <= ActionKind::kRestore;
    const size_t most = of_link                  ? profile.links.size()
                        : IsOfScope(action.kind) ? profile.scopes.size()
                                                 : profile.nodes.size();
    const bool counts =
        action.kind >= ActionKind::kCrashController && action.kind <= ActionKind::kStallController;
    if (!counts && (action.args[0] < -1 || action.args[0] >= static_cast<int64_t>(most)))
      return absl::InvalidArgumentError(
          "an action names a link, scope or node that the seed has not");
  }
  return schedule;
}

}  // namespace sluice::sim
