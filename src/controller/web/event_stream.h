// Makes one snapshot of the links per interval for all who watch.
#ifndef SLUICE_CONTROLLER_WEB_LINK_STREAM_H_
#define SLUICE_CONTROLLER_WEB_LINK_STREAM_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace sluice {

// Thread-safe.
class LinkStream {
 public:
  using Snapshot = std::function<absl::StatusOr<std::string>()>;

  // One who watches. Used by one thread at a time; gives its place back when it goes.
  // The LinkStream outlives it.
  class Watcher {
   public:
    ~Watcher();
    // The next server-sent event, whole: "links" with the latest snapshot, or
    // "unavailable" with the error. Events that a slow watcher missed are left out.
    // Waits for it; nothing once the stream has stopped.
    std::optional<std::string> Next();

   private:
    friend class LinkStream;
    explicit Watcher(LinkStream& stream, uint64_t seen) : stream_(stream), seen_(seen) {}
    LinkStream& stream_;
    uint64_t seen_;
  };

  // Calls `snapshot` in a thread of its own, at once for a new watcher and then each
  // interval while there are watchers.
  LinkStream(Snapshot snapshot, absl::Duration interval, size_t max_watchers);
  ~LinkStream();

  // Null if there are max_watchers already or the stream has stopped.
  std::shared_ptr<Watcher> Watch();

  // Ends all Next(); returns when `snapshot` is not running. May be called again.
  void Stop();

 private:
  void Run();
  bool WaitForTurn();

  const Snapshot snapshot_;
  const absl::Duration interval_;
  const size_t max_watchers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  bool stopped_ = false;
  bool wanted_now_ = false;
  size_t watchers_ = 0;
  uint64_t count_ = 0;  // of events so far
  std::string event_;   // the latest
  std::thread thread_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_LINK_STREAM_H_
