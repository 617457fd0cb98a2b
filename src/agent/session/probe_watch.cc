#include "agent/session/probe_watch.h"

#include <algorithm>
#include <utility>

#include "os/process/thread_priority.h"

namespace sluice {
namespace {

constexpr absl::Duration kShortestPause = absl::Microseconds(100);

}  // namespace

ProbeWatch::ProbeWatch(std::unique_ptr<Prober> prober, const Clock& clock, Sink sink)
    : prober_(std::move(prober)), clock_(clock), sink_(std::move(sink)) {
  thread_ = std::thread([this] { Run(); });
}

ProbeWatch::~ProbeWatch() {
  stop_ = true;
  waiter_.Wake();
  thread_.join();
}

void ProbeWatch::SetTerms(ProbeTerms terms) {
  {
    std::lock_guard lock(mutex_);
    terms_ = std::move(terms);
  }
  waiter_.Wake();
}

void ProbeWatch::Measure(std::string port, BitRate speed) {
  {
    std::lock_guard lock(mutex_);
    measure_[std::move(port)] = speed;
  }
  waiter_.Wake();
}

void ProbeWatch::TakeTerms() {
  std::optional<ProbeTerms> terms;
  std::map<std::string, BitRate> measure;
  {
    std::lock_guard lock(mutex_);
    terms = std::exchange(terms_, std::nullopt);
    measure = std::exchange(measure_, {});
  }
  for (const auto& [port, speed] : measure) prober_->Measure(port, speed);
  if (terms) prober_->SetTerms(*std::move(terms));
}

void ProbeWatch::Run() {
  // A busy machine must not look like a cable that was cut. Without the right to it a node does
  // with what it gets.
  PreferThisThread();
  while (!stop_) {
    TakeTerms();
    if (auto report = prober_->Run(); report && !sink_(*std::move(report))) prober_->Repeat();
    waiter_.Wait(prober_->Descriptors(),
                 std::max(prober_->NextWake() - clock_.Now(), kShortestPause));
  }
}

}  // namespace sluice
