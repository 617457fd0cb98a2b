// The one thread that owns the core. Everybody else sends it events through one
// bounded queue; what the core asks for goes out through the Outside.
#ifndef SLUICE_CONTROLLER_GRANTS_ENGINE_H_
#define SLUICE_CONTROLLER_GRANTS_ENGINE_H_

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/queue.h"
#include "controller/grants/controller_core.h"
#include "controller/grants/core_runner.h"

namespace sluice {

// The world as the core's effects see it. Called on the engine's thread; calls
// must not wait for the engine.
class Outside {
 public:
  virtual ~Outside() = default;
  // To the node's session; dropped if it has none or cannot keep up.
  virtual void Send(const std::string& node, agent::v1::ControllerMessage message) = 0;
  virtual void EndSession(const std::string& node, uint64_t session,
                          const absl::Status& reason) = 0;
  // Makes `peers` the only ones of the control tunnel. Tried again if it fails.
  virtual absl::Status SyncControlPeers(const std::vector<ControlPeer>& peers) = 0;
};

class Engine final : public CoreRunner {
 public:
  using Event = std::function<void(ControllerCore& core, Effects& effects)>;
  using Done = std::function<void()>;

  // `core`, `outside` and `clock` outlive the engine.
  Engine(ControllerCore& core, Outside& outside, const Clock& clock,
         size_t queue_capacity = 65'536);
  ~Engine() override;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // Brings the control peers in line, then serves events until Stop.
  void Start();
  // What was posted before still runs. Idempotent.
  void Stop();

  // Thread-safe, never waits. `done` runs on the engine's thread after the
  // effects of `event` have been carried out. What is posted while a commit runs shares
  // the next one. False, and nothing runs, when the
  // queue is full or the engine is stopped.
  [[nodiscard]] bool Post(Event event, Done done = {});
  absl::Status Run(Event event) override;

 private:
  struct Item {
    Event event;
    Done done;
    bool alone = false;  // not among others that share one commit
  };
  void Loop();
  void Serve(Item item);
  void Tick();
  void Carry(Effects effects);
  void SyncPeers();

  ControllerCore& core_;
  Outside& outside_;
  const Clock& clock_;
  BoundedQueue<Item> queue_;
  bool peers_due_ = true;       // engine's thread only, as the next
  bool peers_failing_ = false;  // said so already
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_ENGINE_H_
