// How threads send events to the one that owns a daemon's state.
#ifndef SLUICE_BASE_QUEUE_H_
#define SLUICE_BASE_QUEUE_H_

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>

#include "absl/time/time.h"

namespace sluice {

// A first-in first-out queue of at most `capacity` items. Thread-safe. It uses
// std::mutex because ThreadSanitizer cannot see into a prebuilt absl::Mutex.
template <typename T>
class BoundedQueue {
 public:
  explicit BoundedQueue(size_t capacity) : capacity_(capacity) {}
  BoundedQueue(const BoundedQueue&) = delete;
  BoundedQueue& operator=(const BoundedQueue&) = delete;

  // Never waits. False, and the item is dropped, when the queue is full or closed.
  [[nodiscard]] bool Push(T item) {
    {
      std::lock_guard lock(mutex_);
      if (closed_ || items_.size() >= capacity_) return false;
      items_.push_back(std::move(item));
    }
    changed_.notify_one();
    return true;
  }

  // Puts the item in front of all others, and takes it even when the queue is full: for
  // what is rare and must not wait. False only when the queue is closed.
  [[nodiscard]] bool PushFirst(T item) {
    {
      std::lock_guard lock(mutex_);
      if (closed_) return false;
      items_.push_front(std::move(item));
    }
    changed_.notify_one();
    return true;
  }

  // The oldest item; waits up to `timeout` for one. Nothing after the timeout,
  // or at once when the queue is closed and empty: what was pushed before
  // Close() still comes out.
  std::optional<T> PopFor(absl::Duration timeout) {
    std::unique_lock lock(mutex_);
    // An endless wait would overflow the deadline, so it is cut to a day.
    const absl::Duration wait = std::min(timeout, absl::Hours(24));
    changed_.wait_for(lock, absl::ToChronoNanoseconds(wait),
                      [this] { return closed_ || !items_.empty(); });
    if (items_.empty()) return std::nullopt;
    std::optional<T> item(std::move(items_.front()));
    items_.pop_front();
    return item;
  }

  // Refuses further items and wakes every waiter.
  void Close() {
    {
      std::lock_guard lock(mutex_);
      closed_ = true;
    }
    changed_.notify_all();
  }

  bool closed() const {
    std::lock_guard lock(mutex_);
    return closed_;
  }
  size_t size() const {
    std::lock_guard lock(mutex_);
    return items_.size();
  }

 private:
  const size_t capacity_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<T> items_;  // guarded by mutex_
  bool closed_ = false;  // guarded by mutex_
};

}  // namespace sluice

#endif  // SLUICE_BASE_QUEUE_H_
