// Honest nodes for benchmarks that have no network: who they are and what they say first.
#ifndef SLUICE_BENCH_BENCH_NODES_H_
#define SLUICE_BENCH_BENCH_NODES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "controller/grants/controller_core.h"

namespace sluice {

std::string BenchNodeName(uint32_t node);
// The same in every run, so that a ledger can be used again.
CoreConfig BenchCoreConfig();
Quota BenchQuota(const LinkName& link);
// Adds and enrols a node.
absl::Status JoinBenchNode(ControllerCore& core, uint32_t node, const std::string& enclosure);
// The first words of a session; each time it is another boot.
absl::Status SayBenchHello(ControllerCore& core, uint32_t node, BootTime now);
// Gives each link a quota. All at once: one by one they would take minutes.
absl::Status StoreBenchQuotas(Store& store, const std::vector<LinkName>& links);

}  // namespace sluice

#endif  // SLUICE_BENCH_BENCH_NODES_H_
