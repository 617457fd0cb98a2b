// What tampering does to the node, and what ends it.
#include <spdlog/spdlog.h>

#include <utility>

#include "agent/apply/agent_core.h"
#include "agent/apply/node_setup.h"
#include "base/status.h"
#include "base/strings.h"
#include "wire/readmission.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr absl::Duration kCutAgain = absl::Milliseconds(50);
constexpr char kShutFault[] = "shut by a tamper event";

}  // namespace

void AgentCore::OnTamper(const TamperEvent& event, Outbox& out) {
  const bool was_shut = guard_.shut();
  if (!guard_.Note(event)) return;
  Outbox closed;
  if (!was_shut || !cut_done_) CutForTamper(closed);
  faults_.Update("cannot write the tamper mark", guard_.Write());
  spdlog::critical("TAMPERED: {}; the node is shut until an operator readmits it", guard_.Words());
  TellTamper(out);
  std::move(closed.begin(), closed.end(), std::back_inserter(out));
}

void AgentCore::CutForTamper(Outbox& out) {
  desired_.deny_all = true;
  TunnelConfig blank;
  config_.random(blank.private_key.mutable_bytes());
  blank.listen_port = config_.tunnel_port;
  blank.mark = kTunnelMark;
  const Executor::NodeOutcome cut = executor_.CloseNode(blank, parts_.clock);
  keys_.Clear();
  if (cut.cut_at && guard_.mark().cut_at_ns() == 0) guard_.SetCutAt(*cut.cut_at);
  cut_done_ = cut.done;
  next_cut_ = parts_.clock.Now() + kCutAgain;
  Digest(cut.outcome, out);
  while (!desired_.leases.empty()) Drop(LinkSide(desired_.leases.begin()->first));
  integrity_.Settle();
  faults_.Set(kShutFault, StrCat(kShutFault, " (", guard_.Words(), "); readmit it with `sluicectl ",
                                 "node readmit ", config_.node, "` after looking into it"));
}

void AgentCore::StayShut(BootTime now, Outbox& out) {
  if (!cut_done_ && now >= next_cut_) CutForTamper(out);
  if (now >= next_inspection_) faults_.Update("cannot write the tamper mark", guard_.Write());
}

void AgentCore::TellTamper(Outbox& out) const {
  if (!connected_) return;  // Hello will
  *out.emplace_back().mutable_tamper() = guard_.mark();
}

void AgentCore::OnSensorFault(const std::string& words) {
  faults_.Event(words, parts_.clock.Now());
  heartbeats_.Changed();
}

absl::Status AgentCore::CheckReadmission(const agent::v1::SignedReadmission& signed_words) const {
  SLUICE_ASSIGN_OR_RETURN(const Readmission readmission,
                          VerifyReadmission(config_.lease_key, signed_words));
  if (readmission.fleet != config_.fleet || readmission.node != config_.node)
    return absl::PermissionDeniedError("a readmission of another node");
  if (readmission.tamper_id != guard_.id())
    return absl::PermissionDeniedError("a readmission from another tamper event");
  return absl::OkStatus();
}

void AgentCore::OnReadmission(const agent::v1::SignedReadmission& signed_words, Outbox& out) {
  // The controller may have marked a node that knows of nothing.
  if (!guard_.shut()) return;
  if (absl::Status s = CheckReadmission(signed_words); !s.ok())
    return BadMessage(ToStd(s.message()));
  // First the note that the kill switch is on: a crash from here on leaves somebody who
  // turns it off when all is closed.
  absl::Status lifted = parts_.files.WriteDurably(KillPath(), "readmitted\n");
  if (lifted.ok()) lifted = guard_.Lift();
  faults_.Update("cannot be readmitted", lifted);
  heartbeats_.Changed();
  if (!lifted.ok()) return;
  spdlog::warn("readmitted by an operator");
  faults_.Clear(kShutFault);
  killed_ = true;
  cut_done_ = false;
  readmitted_ = true;
  reconnect_ = true;  // the link tunnel has another key
  dirty_ = true;
  if (have_config_) RunPlan(out);
}

bool AgentCore::TakeReadmitted() { return std::exchange(readmitted_, false); }

}  // namespace sluice
