#include "controller/web/event_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/strings.h"
#include "controller/web/json_codec.h"

namespace sluice {

std::string ServerSentEvent(std::string_view name, const absl::StatusOr<std::string>& data) {
  if (data.ok()) return StrCat("event: ", name, "\ndata: ", *data, "\n\n");
  const absl::Status& status = data.status();
  return StrCat("event: unavailable\ndata: ",
                EncodeError(ErrorCode(status), ToStd(status.message())), "\n\n");
}

EventStream::Watcher::~Watcher() {
  std::lock_guard lock(stream_.mutex_);
  --stream_.watchers_;
}

std::optional<std::string> EventStream::Watcher::Next() {
  std::unique_lock lock(stream_.mutex_);
  stream_.changed_.wait(lock, [this] { return stream_.stopped_ || stream_.count_ != seen_; });
  if (stream_.stopped_) return std::nullopt;
  seen_ = stream_.count_;
  const Frame& frame = stream_.frame_;
  if (frame.version == std::exchange(version_, frame.version)) return frame.event;
  return frame.preamble + frame.event;
}

EventStream::EventStream(Source source, absl::Duration interval, size_t max_watchers,
                         const Clock& clock, When when)
    : clock_(clock),
      source_(std::move(source)),
      interval_(interval),
      max_watchers_(max_watchers),
      always_(when == When::kAlways),
      wanted_now_(always_) {
  thread_ = std::thread([this] { Run(); });
}

EventStream::~EventStream() { Stop(); }

std::shared_ptr<EventStream::Watcher> EventStream::Watch() {
  std::lock_guard lock(mutex_);
  if (stopped_ || watchers_ >= max_watchers_) return nullptr;
  ++watchers_;
  wanted_now_ = true;
  changed_.notify_all();
  return std::shared_ptr<Watcher>(new Watcher(*this, count_));
}

void EventStream::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void EventStream::Run() {
  while (WaitForTurn()) {
    Frame frame = source_();
    std::lock_guard lock(mutex_);
    frame_ = std::move(frame);
    ++count_;
    changed_.notify_all();
  }
}

// Until the next frame is due; false when stopped. Frames are an interval apart, however long
// they take to make.
bool EventStream::WaitForTurn() {
  std::unique_lock lock(mutex_);
  auto now = [this] { return stopped_ || wanted_now_; };
  if (always_ || watchers_ > 0) {
    const absl::Duration wait = std::max(due_ - clock_.Now(), absl::ZeroDuration());
    changed_.wait_for(lock, absl::ToChronoNanoseconds(wait), now);
  }
  changed_.wait(lock, [&] { return now() || always_ || watchers_ > 0; });
  if (wanted_now_ || due_ + interval_ < clock_.Now()) due_ = clock_.Now();
  due_ = due_ + interval_;
  wanted_now_ = false;
  return !stopped_;
}

}  // namespace sluice
