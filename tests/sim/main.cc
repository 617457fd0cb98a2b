// sluice-sim: runs seeds, shrinks what fails, looks for planted bugs.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>

#include "absl/strings/str_format.h"
#include "base/mutation.h"
#include "tests/sim/schedule.h"
#include "tests/sim/shrink.h"
#include "tests/sim/world.h"

namespace sluice::sim {
namespace {

using WallClock = std::chrono::steady_clock;

struct Options {
  uint64_t first_seed = 1;
  uint64_t seeds = 100;
  double minutes = 0;  // 0: without end
  uint64_t steps = 20'000;
  std::string mutation;
  bool all_mutations = false;
  bool list_mutations = false;
  std::string replay;
  std::string out = "sim-failure.txt";
};

constexpr double kMutationSeconds = 60;
constexpr double kShrinkSeconds = 20;

double SecondsSince(WallClock::time_point start) {
  return std::chrono::duration<double>(WallClock::now() - start).count();
}

struct Tally {
  WallClock::time_point began = WallClock::now();
  std::clock_t cpu = std::clock();
  uint64_t seeds = 0;
  uint64_t steps = 0;
  uint64_t leases = 0;
  uint64_t packets = 0;
  double simulated = 0;
  void Add(const Outcome& outcome) {
    ++seeds;
    steps += outcome.steps;
    leases += outcome.leases;
    packets += outcome.packets;
    simulated += static_cast<double>(outcome.ended) / 1e9;
  }
  void Print() const {
    const double seconds = std::max(SecondsSince(began), 1e-9);
    const double busy = std::max(static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC, 1e-9);
    std::cout << absl::StreamFormat(
        "%d seeds, %d steps in %.1f s: %.1f seeds/s, %.0f steps/s (%.0f steps per second of CPU "
        "time); %.0f s simulated, %d leases, %d packets admitted\n",
        seeds, steps, seconds, static_cast<double>(seeds) / seconds,
        static_cast<double>(steps) / seconds, static_cast<double>(steps) / busy, simulated, leases,
        packets);
  }
};

Outcome RunSchedule(const Schedule& schedule) { return World(schedule).Run(); }

void PrintViolation(const Schedule& schedule, const Outcome& outcome) {
  const Violation& violation = *outcome.violation;
  std::cout << absl::StreamFormat(
      "seed %d: %s does not hold at %.6f s, step %d: %s\n", schedule.seed, violation.invariant,
      static_cast<double>(violation.at) / 1e9, outcome.steps, violation.what);
}

// Shrinks it, prints it and writes it down.
void ReportFailure(const Schedule& failed, const Outcome& outcome, const std::string& out) {
  PrintViolation(failed, outcome);
  const auto began = WallClock::now();
  const std::string invariant = outcome.violation->invariant;
  const auto fails = [&](const Schedule& schedule) {
    const Outcome again = RunSchedule(schedule);
    return again.violation && again.violation->invariant == invariant;
  };
  const Schedule shrunken =
      Shrink(failed, fails, [&] { return SecondsSince(began) < kShrinkSeconds; });
  const Profile profile = ProfileOf(shrunken.seed);
  std::cout << absl::StreamFormat("shrunken to %d actions of %d:\n", shrunken.actions.size(),
                                  failed.actions.size());
  for (const Action& action : shrunken.actions)
    std::cout << "  " << ToString(action, profile) << "\n";
  PrintViolation(shrunken, RunSchedule(shrunken));
  std::ofstream(out) << ToText(shrunken);
  std::cout << "written to " << out << "; again with: sluice-sim --replay " << out << "\n";
}

// The first seed that fails, or none within the options' bounds.
std::optional<Schedule> Search(const Options& options, double seconds, Tally& tally,
                               Outcome& outcome) {
  for (uint64_t i = 0; i < options.seeds; ++i) {
    if (seconds > 0 && SecondsSince(tally.began) >= seconds) break;
    Schedule schedule = ScheduleOf(options.first_seed + i, options.steps);
    outcome = RunSchedule(schedule);
    tally.Add(outcome);
    if (outcome.violation) return schedule;
  }
  return std::nullopt;
}

bool SetMutation(const std::string& name) {
  for (size_t i = 0; i < kMutationNames.size(); ++i) {
    if (kMutationNames[i] != name) continue;
#ifdef SLUICE_MUTATIONS
    active_mutation = static_cast<Mutation>(i);
    return true;
#endif
  }
  return false;
}

// Whether the simulator finds the planted bug in time.
bool FindMutation(Options options, const std::string& name) {
  if (!SetMutation(name)) {
    std::cout << "mutation " << name << ": unknown, or not built with SLUICE_MUTATIONS\n";
    return false;
  }
  options.seeds = UINT64_MAX;
  Tally tally;
  Outcome outcome;
  const auto failed = Search(options, kMutationSeconds, tally, outcome);
  if (failed) {
    std::cout << absl::StreamFormat("mutation %s: found after %.2f s by seed %d: %s: %s\n", name,
                                    SecondsSince(tally.began), failed->seed,
                                    outcome.violation->invariant, outcome.violation->what);
  } else {
    std::cout << absl::StreamFormat("mutation %s: NOT FOUND in %.0f s\n", name, kMutationSeconds);
  }
  std::cout.flush();
  return failed.has_value();
}

int FindAllMutations(const Options& options) {
  int missed = 0;
  for (size_t i = 1; i < kMutationNames.size(); ++i)
    missed += FindMutation(options, std::string(kMutationNames[i])) ? 0 : 1;
  return missed > 0 ? 1 : 0;
}

int ListMutations() {
  for (size_t i = 1; i < kMutationNames.size(); ++i) std::cout << kMutationNames[i] << "\n";
  return 0;
}

int Replay(const Options& options) {
  std::ifstream in(options.replay);
  std::ostringstream text;
  text << in.rdbuf();
  const absl::StatusOr<Schedule> schedule = ParseSchedule(text.str());
  if (!schedule.ok() || !in.is_open()) {
    std::cerr << options.replay << ": " << std::string(schedule.status().message()) << "\n";
    return 2;
  }
  Tally tally;
  const Outcome outcome = RunSchedule(*schedule);
  tally.Add(outcome);
  tally.Print();
  if (outcome.violation) PrintViolation(*schedule, outcome);
  return outcome.violation ? 1 : 0;
}

int RunSeeds(const Options& options) {
  Tally tally;
  Outcome outcome;
  const auto failed = Search(options, options.minutes * 60, tally, outcome);
  tally.Print();
  if (failed) ReportFailure(*failed, outcome, options.out);
  return failed ? 1 : 0;
}

int Main(int argc, char** argv) {
  Options options;
  std::string with;
  CLI::App app("Simulates whole fleets from seeds and holds the ledger's invariants");
  app.add_option("--seeds", options.seeds, "how many");
  app.add_option("--first-seed,--seed", options.first_seed, "the first of them");
  app.add_option("--minutes", options.minutes, "end after so long");
  app.add_option("--steps-per-seed", options.steps, "events in a run");
  app.add_option("--mutation", options.mutation, "look for this planted bug, 60 s at most");
  app.add_flag("--all-mutations", options.all_mutations, "look for each in turn");
  app.add_flag("--list-mutations", options.list_mutations, "name them and end");
  app.add_option("--replay", options.replay, "run the schedule in this file");
  app.add_option("--with-mutation", with, "plant this bug and run seeds or a replay as usual");
  app.add_option("--out", options.out, "where a failing schedule goes");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);
  if (!with.empty() && !SetMutation(with)) {
    std::cerr << "no such mutation in this build: " << with << "\n";
    return 2;
  }
  if (options.list_mutations) return ListMutations();
  if (!options.replay.empty()) return Replay(options);
  if (options.all_mutations) return FindAllMutations(options);
  if (!options.mutation.empty()) return FindMutation(options, options.mutation) ? 0 : 1;
  return RunSeeds(options);
}

}  // namespace
}  // namespace sluice::sim

int main(int argc, char** argv) { return sluice::sim::Main(argc, argv); }
