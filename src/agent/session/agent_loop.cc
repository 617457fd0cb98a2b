#include "agent/session/agent_loop.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/status.h"

namespace sluice {
namespace {

constexpr absl::Duration kFirstNudge = absl::Seconds(4);
constexpr absl::Duration kNextNudge = absl::Seconds(6);
constexpr absl::Duration kCheckInterval = absl::Seconds(1);
// The core's time comes even when the controller talks without end.
constexpr int kEventsPerTick = 64;

}  // namespace

AgentLoop::AgentLoop(Parts parts, Callbacks callbacks)
    : parts_(parts),
      callbacks_(std::move(callbacks)),
      nudge_at_(parts.clock.Now() + kFirstNudge),
      check_at_(parts.clock.Now() + kCheckInterval) {}

absl::Status AgentLoop::Run(ControlSession& session) {
  while (TakeEvents(session)) {
    parts_.core.Tick(out_);
    Flush(session);
    if (parts_.core.TakeReconnect()) session.Reset(session_);
    if (parts_.core.TakeReadmitted()) callbacks_.readmitted();
    if (auto terms = parts_.core.TakeProbeTerms()) callbacks_.probe_terms(*std::move(terms));
    Nudge();
    SLUICE_RETURN_IF_ERROR(Check());
  }
  return absl::OkStatus();
}

bool AgentLoop::TakeEvents(ControlSession& session) {
  absl::Duration wait = parts_.core.NextWake() - parts_.clock.Now();
  for (int i = 0; i < kEventsPerTick; ++i) {
    std::optional<AgentEvent> event = parts_.queue.PopFor(std::max(wait, absl::ZeroDuration()));
    if (!event) return !parts_.queue.closed();
    if (!event->session && !event->sensed && !event->wired) return false;
    if (event->sensed) Handle(*event->sensed);
    if (event->session) Handle(*event->session);
    if (event->wired) parts_.core.OnWiring(*std::move(event->wired), out_);
    Flush(session);
    wait = absl::ZeroDuration();
  }
  return true;
}

void AgentLoop::Handle(SessionEvent& event) {
  switch (event.kind) {
    case SessionEvent::Kind::kConnected:
      spdlog::info("connected to the controller");
      session_ = event.session;
      nudge_at_.reset();
      parts_.core.OnConnected(out_);
      break;
    case SessionEvent::Kind::kDisconnected:
      spdlog::warn("lost the session with the controller: {}; leases run on to their ends",
                   event.why);
      nudge_at_ = parts_.clock.Now() + kFirstNudge;
      parts_.core.OnDisconnected();
      break;
    case SessionEvent::Kind::kMessage:
      if (event.message.has_measure_port())
        return callbacks_.measure(event.message.measure_port().port(),
                                  BitRate{event.message.measure_port().speed_bps()});
      parts_.core.OnMessage(event.message, out_);
      break;
  }
}

void AgentLoop::Handle(const TamperSource::Found& found) {
  for (const TamperEvent& event : found.events) parts_.core.OnTamper(event, out_);
  for (const std::string& fault : found.faults) parts_.core.OnSensorFault(fault);
}

void AgentLoop::Flush(ControlSession& session) {
  for (agent::v1::AgentMessage& message : out_) {
    if (session.Send(session_, std::move(message))) continue;
    // Hello of the next session tells all that is lost here.
    session.Reset(session_);
    break;
  }
  out_.clear();
}

void AgentLoop::Nudge() {
  const BootTime now = parts_.clock.Now();
  if (!nudge_at_ || now < *nudge_at_) return;
  nudge_at_ = now + kNextNudge;
  callbacks_.unreachable();
}

absl::Status AgentLoop::Check() {
  const BootTime now = parts_.clock.Now();
  if (now < check_at_) return absl::OkStatus();
  check_at_ = now + kCheckInterval;
  return callbacks_.check();
}

}  // namespace sluice
