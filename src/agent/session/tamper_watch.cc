#include "agent/session/tamper_watch.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

// Deadlines that are over would make the thread spin should a source not move on.
constexpr absl::Duration kShortestWait = absl::Microseconds(100);

}  // namespace

TamperWatch::TamperWatch(Sources sources, const Clock& clock, Sink sink)
    : sources_(std::move(sources)), clock_(clock), sink_(std::move(sink)) {
  if (!sources_.empty()) thread_ = std::thread([this] { Run(); });
}

TamperWatch::~TamperWatch() {
  stop_ = true;
  waiter_.Wake();
  if (thread_.joinable()) thread_.join();
}

void TamperWatch::Rearm() {
  rearm_ = true;
  waiter_.Wake();
}

void TamperWatch::Run() {
  while (!stop_) {
    PollAll();
    Wait();
  }
}

void TamperWatch::PollAll() {
  const bool rearm = rearm_.exchange(false);
  for (const auto& source : sources_) {
    if (rearm) source->Rearm(clock_.Now());
    TamperSource::Found found = source->Poll(clock_.Now());
    if (!found.events.empty() || !found.faults.empty()) sink_(std::move(found));
  }
}

void TamperWatch::Wait() {
  std::vector<int> descriptors;
  absl::Duration wait = absl::InfiniteDuration();
  for (const auto& source : sources_) {
    descriptors.push_back(source->fd());
    if (const auto at = source->deadline()) wait = std::min(wait, *at - clock_.Now());
  }
  waiter_.Wait(descriptors, std::max(wait, kShortestWait));
}

}  // namespace sluice
