// What the console shows of the whole fleet: read from the core once a second, for the
// history always, for who watches as server-sent events.
#ifndef SLUICE_CONTROLLER_WEB_CONSOLE_FEED_H_
#define SLUICE_CONTROLLER_WEB_CONSOLE_FEED_H_

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "controller/grants/core_runner.h"
#include "controller/telemetry/telemetry.h"
#include "controller/web/event_stream.h"
#include "model/fleet_view.h"

namespace sluice {

// One reading of the fleet.
struct FleetReading {
  std::vector<NodeView> nodes;
  std::vector<LinkView> links;
  BootTime at;  // when the views were made
  uint64_t last_event = 0;
  bool store_ok = false;
  std::array<uint64_t, 3> wiring{};  // the plan's version, changes so far, findings
};

struct ConsoleConfig {
  std::string fleet;
  std::string version;
  absl::Duration heartbeat;
  absl::Duration interval = absl::Seconds(1);
  size_t max_watchers = 8;
};

// The events `fleet` and `figures` of docs/openapi.json, with their data.
std::string EncodeFleet(const ConsoleConfig& config, uint64_t version, const FleetReading& reading);
std::string EncodeFigures(uint64_t version, const FleetReading& reading, const Telemetry& telemetry,
                          absl::Time at);
// Thread-safe. `core` and `clock` outlive it.
class ConsoleFeed {
 public:
  ConsoleFeed(ConsoleConfig config, CoreRunner& core, const Clock& clock);

  // Null if there are too many already, or it has stopped.
  std::shared_ptr<EventStream::Watcher> Watch() { return stream_.Watch(); }
  // The bodies of GET /api/v1/links/{link}/history and /api/v1/nodes/{name}/history; NotFound
  // if nothing is known.
  absl::StatusOr<std::string> HistoryOf(const LinkName& link) const;
  absl::StatusOr<std::string> HistoryOf(const std::string& node) const;
  void Stop() { stream_.Stop(); }

 private:
  EventStream::Frame Make();
  template <typename Name>
  absl::StatusOr<std::string> History(const Name& name, const std::string& missing) const;

  const ConsoleConfig config_;
  CoreRunner& core_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  Telemetry telemetry_;  // guarded by mutex_
  // Of the stream's thread alone.
  uint64_t version_ = 0;
  std::vector<std::string> members_;  // that the version is of …
  std::string preamble_;              // … and the event
  EventStream stream_;                // last: it calls Make
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_CONSOLE_FEED_H_
