// Waits for the tamper sources on a thread of its own, so that none waits for another event.
#ifndef SLUICE_AGENT_SESSION_TAMPER_WATCH_H_
#define SLUICE_AGENT_SESSION_TAMPER_WATCH_H_

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "agent/tamper/tamper_source.h"
#include "base/clock.h"
#include "os/sensors/waiter.h"

namespace sluice {

class TamperWatch {
 public:
  using Sources = std::vector<std::unique_ptr<TamperSource>>;
  // Called on the watch's thread with what a source found, if it found anything.
  using Sink = std::function<void(TamperSource::Found)>;

  // Starts at once; `clock` outlives it. Without sources it does nothing.
  TamperWatch(Sources sources, const Clock& clock, Sink sink);
  // Ends the thread.
  ~TamperWatch();
  TamperWatch(const TamperWatch&) = delete;
  TamperWatch& operator=(const TamperWatch&) = delete;

  // The node was readmitted. Thread-safe.
  void Rearm();

 private:
  void Run();
  void PollAll();
  void Wait();

  const Sources sources_;
  const Clock& clock_;
  const Sink sink_;
  Waiter waiter_;
  std::atomic<bool> stop_ = false;
  std::atomic<bool> rearm_ = false;
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_TAMPER_WATCH_H_
