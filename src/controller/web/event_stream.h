// Makes one server-sent event per interval for all who watch.
#ifndef SLUICE_CONTROLLER_WEB_EVENT_STREAM_H_
#define SLUICE_CONTROLLER_WEB_EVENT_STREAM_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/clock.h"

namespace sluice {

// The event "NAME" with one line of data, or "unavailable" with the error.
std::string ServerSentEvent(std::string_view name, const absl::StatusOr<std::string>& data);

// Thread-safe.
class EventStream {
 public:
  // What a watcher is sent. A new one gets the preamble first, and who watches gets it
  // again when its version is another.
  struct Frame {
    std::string event;
    std::string preamble;
    uint64_t version = 0;  // of the preamble; 0: there is none
  };
  using Source = std::function<Frame()>;

  // One who watches. Used by one thread at a time; gives its place back when it goes.
  // The EventStream outlives it.
  class Watcher {
   public:
    ~Watcher();
    // The latest event that it has not had. Events that a slow watcher missed are left
    // out. Waits for it; nothing once the stream has stopped.
    std::optional<std::string> Next();

   private:
    friend class EventStream;
    explicit Watcher(EventStream& stream, uint64_t seen) : stream_(stream), seen_(seen) {}
    EventStream& stream_;
    uint64_t seen_;
    uint64_t version_ = 0;
  };

  enum class When { kWatched, kAlways };
  // Calls `source` in a thread of its own, at once for a new watcher and then each
  // interval, while there are watchers or always. `clock` outlives it.
  EventStream(Source source, absl::Duration interval, size_t max_watchers, const Clock& clock,
              When when = When::kWatched);
  ~EventStream();

  // Null if there are max_watchers already or the stream has stopped.
  std::shared_ptr<Watcher> Watch();

  // Ends all Next(); returns when `source` is not running. May be called again.
  void Stop();

 private:
  void Run();
  bool WaitForTurn();

  const Clock& clock_;
  const Source source_;
  const absl::Duration interval_;
  const size_t max_watchers_;
  const bool always_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopped_ = false;
  bool wanted_now_ = false;
  size_t watchers_ = 0;
  uint64_t count_ = 0;  // of frames so far
  Frame frame_;         // the latest
  BootTime due_;        // the next frame; of the thread alone
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_EVENT_STREAM_H_
