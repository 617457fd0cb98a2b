// Runs the link probes on a thread of its own, since what they time must not wait for leases.
#ifndef SLUICE_AGENT_SESSION_PROBE_WATCH_H_
#define SLUICE_AGENT_SESSION_PROBE_WATCH_H_

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "agent/probe/prober.h"
#include "base/clock.h"
#include "os/sensors/waiter.h"

namespace sluice {

class ProbeWatch {
 public:
  // Called on the watch's thread with what there is to report; false if it could not be taken,
  // and then it comes again with the next.
  using Sink = std::function<bool(NodeWiring)>;

  // Starts at once; `clock` outlives it.
  ProbeWatch(std::unique_ptr<Prober> prober, const Clock& clock, Sink sink);
  // Ends the thread.
  ~ProbeWatch();
  ProbeWatch(const ProbeWatch&) = delete;
  ProbeWatch& operator=(const ProbeWatch&) = delete;

  // Thread-safe.
  void SetTerms(ProbeTerms terms);
  // Thread-safe, as Prober::Measure.
  void Measure(std::string port, BitRate speed);

 private:
  void Run();
  void TakeTerms();

  const std::unique_ptr<Prober> prober_;
  const Clock& clock_;
  const Sink sink_;
  Waiter waiter_;
  std::mutex mutex_;  // guards the next two; std::mutex as in base/queue.h
  std::optional<ProbeTerms> terms_;
  std::map<std::string, BitRate> measure_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_SESSION_PROBE_WATCH_H_
