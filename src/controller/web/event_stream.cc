#include "controller/web/link_stream.h"

#include <chrono>
#include <utility>

#include "base/strings.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

std::string Event(const absl::StatusOr<std::string>& snapshot) {
  if (snapshot.ok()) return StrCat("event: links\ndata: ", *snapshot, "\n\n");
  const absl::Status& status = snapshot.status();
  return StrCat("event: unavailable\ndata: ",
                EncodeError(ErrorCode(status), ToStd(status.message())), "\n\n");
}

}  // namespace

LinkStream::Watcher::~Watcher() {
  std::lock_guard lock(stream_.mutex_);
  --stream_.watchers_;
}

std::optional<std::string> LinkStream::Watcher::Next() {
  std::unique_lock lock(stream_.mutex_);
  stream_.changed_.wait(lock, [this] { return stream_.stopped_ || stream_.count_ != seen_; });
  if (stream_.stopped_) return std::nullopt;
  seen_ = stream_.count_;
  return stream_.event_;
}

LinkStream::LinkStream(Snapshot snapshot, absl::Duration interval, size_t max_watchers)
    : snapshot_(std::move(snapshot)), interval_(interval), max_watchers_(max_watchers) {
  thread_ = std::thread([this] { Run(); });
}

LinkStream::~LinkStream() { Stop(); }

std::shared_ptr<LinkStream::Watcher> LinkStream::Watch() {
  std::lock_guard lock(mutex_);
  if (stopped_ || watchers_ >= max_watchers_) return nullptr;
  ++watchers_;
  wanted_now_ = true;
  changed_.notify_all();
  return std::shared_ptr<Watcher>(new Watcher(*this, count_));
}

void LinkStream::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void LinkStream::Run() {
  while (WaitForTurn()) {
    std::string event = Event(snapshot_());
    std::lock_guard lock(mutex_);
    event_ = std::move(event);
    ++count_;
    changed_.notify_all();
  }
}

// Until the next snapshot is due; false when stopped.
bool LinkStream::WaitForTurn() {
  std::unique_lock lock(mutex_);
  auto now = [this] { return stopped_ || wanted_now_; };
  if (watchers_ > 0) changed_.wait_for(lock, absl::ToChronoNanoseconds(interval_), now);
  changed_.wait(lock, [&] { return now() || watchers_ > 0; });
  wanted_now_ = false;
  return !stopped_;
}

}  // namespace sluice
