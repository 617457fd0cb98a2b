#include "agent/tamper/sources.h"

#include <algorithm>
#include <utility>

#include "agent/tamper/tamper_message.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr int kMostAtOnce = 64;
// Should a notice of the kernel's be lost.
constexpr absl::Duration kLookAnyway = absl::Seconds(1);

}  // namespace

SocketSource::SocketSource(std::unique_ptr<DatagramSocket> socket, uint32_t own_uid,
                           SensorTerms terms, BootTime now)
    : socket_(std::move(socket)), own_uid_(own_uid), judge_(std::move(terms), now) {}

// What waits is heard before silence is judged: the agent itself may have stood still.
TamperSource::Found SocketSource::Poll(BootTime now) {
  Found found;
  for (int i = 0; i < kMostAtOnce; ++i) {
    const absl::StatusOr<std::optional<Datagram>> datagram = socket_->Receive();
    if (!datagram.ok()) judge_.AddFault(ToStd(datagram.status().message()), found);
    if (!datagram.ok() || !*datagram) break;
    if ((*datagram)->uid == 0 || (*datagram)->uid == own_uid_) {
      judge_.Take((*datagram)->data, now, found);
    } else {
      judge_.AddFault("a message of another user", found);
    }
  }
  judge_.CheckSilence(now, found);
  return found;
}

FileSource::FileSource(std::string path, std::unique_ptr<FileWatch> watch, Files& files,
                       SensorTerms terms, BootTime now)
    : path_(std::move(path)),
      watch_(std::move(watch)),
      files_(files),
      judge_(std::move(terms), now),
      look_at_(now) {}

std::optional<BootTime> FileSource::deadline() const {
  const auto silence = judge_.deadline();
  return silence ? std::min(*silence, look_at_) : look_at_;
}

TamperSource::Found FileSource::Poll(BootTime now) {
  Found found;
  watch_->Drain();
  look_at_ = now + kLookAnyway;
  const absl::StatusOr<std::string> text = files_.Read(path_, kMaxTamperMessage);
  if (text.ok()) {
    was_there_ = true;
    told_ = false;
    if (*text != std::exchange(seen_, *text)) judge_.Take(*text, now, found);
  } else if (absl::IsNotFound(text.status())) {
    if (was_there_ && !std::exchange(told_, true))
      judge_.AddEvent("the file has vanished", now, found);
    judge_.AddFault("the file is not there", found);
  } else {
    judge_.AddFault(ToStd(text.status().message()), found);
  }
  judge_.CheckSilence(now, found);
  return found;
}

void FileSource::Rearm(BootTime now) {
  judge_.Rearm(now);
  told_ = false;
  look_at_ = now;
}

GpioSource::GpioSource(std::string name, std::unique_ptr<GpioLine> line, bool active_high,
                       BootTime now)
    : name_(std::move(name)), line_(std::move(line)), active_high_(active_high), look_at_(now) {}

std::optional<BootTime> GpioSource::deadline() const { return look_at_; }

TamperSource::Found GpioSource::Poll(BootTime now) {
  Found found;
  look_at_ = now + kLookAnyway;
  const absl::StatusOr<GpioLine::State> state = line_->Read();
  gone_ = !state.ok();
  // A pulse that is over again was active all the same.
  const bool active = state.ok() && (state->high == active_high_ || state->changed);
  if (!gone_ && !active) return found;
  if (std::exchange(told_, true)) return found;
  const std::string words = gone_ ? StrCat("the chip is gone: ", state.status().message())
                                  : StrCat("the line is ", active_high_ ? "high" : "low");
  found.events.push_back({name_, words, now});
  return found;
}

void GpioSource::Rearm(BootTime now) {
  told_ = false;
  look_at_ = now;
}

}  // namespace sluice
