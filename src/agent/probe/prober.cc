#include "agent/probe/prober.h"

#include <algorithm>
#include <utility>

namespace sluice {
namespace {

constexpr absl::Duration kReportPause = absl::Milliseconds(50);
// What came or went is told at once, what only time and round trips change as often as this.
constexpr absl::Duration kLook = absl::Milliseconds(50);
constexpr absl::Duration kWhole = absl::Seconds(5);
// A round trip that changes by less is not worth a message.
constexpr double kSameRtt = 0.1;
// Where many are heard through switches, one of them changes so much at any time, and all would
// be told again.
constexpr double kSameRttInCrowd = 0.5;
constexpr size_t kCrowd = 32;
// So long after its time, Run was kept from running.
constexpr absl::Duration kStall = absl::Milliseconds(150);
// As long as the controller may ask how long the agent has listened.
constexpr absl::Duration kYoung = absl::Seconds(40);

absl::Duration AgeOf(const PortWiring& wiring) { return wiring.plugged.value_or(wiring.listening); }

bool SameRtt(const std::optional<absl::Duration>& a, const std::optional<absl::Duration>& b,
             double same) {
  if (!a || !b) return a.has_value() == b.has_value();
  const absl::Duration most = std::max(*a, *b);
  return absl::AbsDuration(*a - *b) <= most * same + absl::Microseconds(1);
}

bool SameNeighbours(const std::vector<Neighbour>& a, const std::vector<Neighbour>& b) {
  const double other = a.size() > kCrowd ? kSameRttInCrowd : kSameRtt;
  return std::ranges::equal(a, b, [other](Neighbour left, Neighbour right) {
    const bool same = SameRtt(left.rtt, right.rtt, left.nearest ? kSameRtt : other);
    left.rtt.reset();
    right.rtt.reset();
    return same && left == right;
  });
}

bool Same(const PortWiring& a, const PortWiring& b) {
  return a.carrier == b.carrier && a.plugged.has_value() == b.plugged.has_value() &&
         a.claims == b.claims && a.alarms == b.alarms && a.capacity == b.capacity &&
         SameNeighbours(a.neighbours, b.neighbours);
}

}  // namespace

Prober::Prober(const Config& config, const Clock& clock, PacketPorts& packets)
    : clock_(clock),
      shared_{config.fleet,     config.node, Ed25519Signer(config.identity),
              config.lease_key, {},          config.random},
      ran_at_(clock.Now()) {
  shared_.random(shared_.instance);
  for (const std::string& port : config.ports)
    ports_.push_back(std::make_unique<PortProber>(port, shared_, clock, packets));
}

void Prober::SetTerms(ProbeTerms terms) {
  shared_.terms = std::move(terms);
  ++shared_.terms_number;
}

void Prober::Measure(const std::string& port, BitRate speed) {
  for (const auto& prober : ports_) {
    if (prober->name() == port) prober->Measure(speed);
  }
}

std::optional<NodeWiring> Prober::Run() {
  const BootTime due = NextWake();
  const absl::Duration late = clock_.Now() - std::max(due, ran_at_);
  const absl::Duration stalled = late > kStall ? late : absl::ZeroDuration();
  for (const auto& port : ports_) {
    port->Run(stalled);
    changed_ |= port->TakeChange();
  }
  const BootTime now = clock_.Now();
  ran_at_ = now;
  if (now < report_at_ || (!changed_ && now < look_at_)) return std::nullopt;
  changed_ = false;
  look_at_ = now + kLook;
  ++looks_;
  NodeWiring report = Report(now);
  if (report.ports.empty()) return std::nullopt;
  report_at_ = now + kReportPause;
  return report;
}

NodeWiring Prober::Report(BootTime now) {
  NodeWiring report;
  report.instance = shared_.instance;
  report.whole = now >= whole_at_;
  if (report.whole) whole_at_ = now + kWhole;
  for (const auto& port : ports_) {
    PortWiring wiring = port->Report(now);
    const auto last = reported_.find(wiring.port);
    // One that has just begun to look, or was just plugged in, says how the time passes.
    const bool ages = last != reported_.end() && AgeOf(last->second) < kYoung &&
                      wiring.listening - last->second.listening >= absl::Milliseconds(500);
    if (!report.whole && last != reported_.end() && !ages && Same(last->second, wiring)) continue;
    reported_[wiring.port] = wiring;
    report.ports.push_back(std::move(wiring));
  }
  return report;
}

std::vector<int> Prober::Descriptors() const {
  std::vector<int> all;
  for (const auto& port : ports_) {
    for (const int fd : port->Descriptors()) all.push_back(fd);
  }
  return all;
}

BootTime Prober::NextWake() const {
  BootTime next = ran_at_ + absl::Milliseconds(100);
  for (const auto& port : ports_) next = std::min(next, port->NextWake());
  return next;
}

}  // namespace sluice
