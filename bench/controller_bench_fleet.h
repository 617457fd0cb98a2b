// A controller's engine with honest agents around it, in one process and without
// a network: each link keeps one lease request outstanding.
#ifndef SLUICE_BENCH_CONTROLLER_BENCH_FLEET_H_
#define SLUICE_BENCH_CONTROLLER_BENCH_FLEET_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/queue.h"
#include "bench/closed_loop.h"
#include "controller/grants/engine.h"

namespace sluice {

struct BenchLink {
  LinkName name;
  uint64_t request = 0;   // the last one's id
  uint64_t sequence = 0;  // of the lease held
  uint64_t limit = 0;
  uint64_t admitted = 0;
  BootTime posted;
};

// One round. The ledger under `directory` is made if it is not there, so that
// a later round of the same size finds nodes and quotas ready.
class BenchFleet final : public Outside {
 public:
  static absl::StatusOr<Measured> Run(const std::string& directory, const LoopOptions& options,
                                      const Clock& clock);

  void Send(const std::string& node, agent::v1::ControllerMessage message) override;
  void EndSession(const std::string& node, uint64_t session, const absl::Status& reason) override;
  absl::Status SyncControlPeers(const std::vector<ControlPeer>& peers) override;

 private:
  struct Arrival {
    agent::v1::ControllerMessage message;
    BootTime at;
  };

  BenchFleet(const LoopOptions& options, const Clock& clock);
  void MakeLinks();
  absl::Status Prepare(Store& store);
  void Ask(Engine& engine, BenchLink& link);
  void Take(Engine& engine, const Arrival& arrival);
  void Beat(Engine& engine);
  void Loop(Engine& engine);

  const LoopOptions options_;
  const Clock& clock_;
  const uint32_t nodes_;
  std::vector<BenchLink> links_;
  BoundedQueue<Arrival> arrivals_;  // from the engine's thread to the agents'
  LoopCounter counter_;
  uint64_t refused_ = 0;
  std::atomic<bool> over_ = false;  // what is still queued is not worth a wait
};

}  // namespace sluice

#endif  // SLUICE_BENCH_CONTROLLER_BENCH_FLEET_H_
