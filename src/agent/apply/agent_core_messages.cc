// What the controller says, and what the core makes of it.
#include <spdlog/spdlog.h>

#include <utility>

#include "agent/apply/agent_core.h"
#include "agent/apply/config_codec.h"
#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"
#include "wire/wiring_codec.h"

namespace sluice {

void AgentCore::OnMessage(const agent::v1::ControllerMessage& message, Outbox& out) {
  switch (message.body_case()) {
    case agent::v1::ControllerMessage::kConfig:
      return OnConfig(message.config());
    case agent::v1::ControllerMessage::kLease:
      return OnLease(message.lease());
    case agent::v1::ControllerMessage::kDenied:
      return OnDenied(message.denied());
    case agent::v1::ControllerMessage::kRevoke:
      return OnRevoke(message.revoke(), out);
    case agent::v1::ControllerMessage::kReadmission:
      return OnReadmission(message.readmission(), out);
    case agent::v1::ControllerMessage::kKeyEpoch:
      if (guard_.shut()) return;
      return TakeKeyWords(keys_.OnEpoch(message.key_epoch(), parts_.clock.Now(), out));
    case agent::v1::ControllerMessage::kKeyOffer:
      return TakeKeyWords(keys_.OnOffer(message.key_offer()));
    case agent::v1::ControllerMessage::kKeyState:
      return TakeKeyWords(keys_.OnState(message.key_state(), parts_.clock.Now()));
    case agent::v1::ControllerMessage::kMeasurePort:
      return;  // the loop hands it to the link probes
    case agent::v1::ControllerMessage::BODY_NOT_SET:
      return BadMessage("a message of an unknown kind");
  }
}

// Words that come late are no fault: of an epoch that has been given up meanwhile.
void AgentCore::TakeKeyWords(const absl::Status& status) {
  dirty_ |= status.ok();
  if (!status.ok() && !absl::IsFailedPrecondition(status))
    BadMessage(StrCat("key agreement: ", ToStd(status.message())));
}

void AgentCore::BadMessage(std::string_view what) {
  ++bad_messages_;
  faults_.Event(StrCat("ignored from the controller: ", what), parts_.clock.Now());
  heartbeats_.Changed();
}

void AgentCore::OnConfig(const agent::v1::Config& proto) {
  absl::StatusOr<NodeConfig> config = NodeConfigFromProto(config_.node, proto);
  if (!config.ok()) return BadMessage(StrCat("config: ", ToStd(config.status().message())));
  // Without the file a restart uses the Config before, and closes what that
  // does not name: a fault, but nothing opens by it.
  faults_.Update("cannot remember the configuration",
                 parts_.files.WriteDurably(ConfigPath(), proto.SerializeAsString()));
  UseConfig(*std::move(config));
  UseProbeTerms(proto);
  heartbeats_.Changed();
}

void AgentCore::UseProbeTerms(const agent::v1::Config& proto) {
  ProbeTerms& terms = probe_terms_.emplace();
  terms.credential = proto.credential();
  for (const agent::v1::Peer& peer : proto.peers()) terms.targets.insert(peer.node());
}

void AgentCore::OnWiring(NodeWiring wiring, Outbox& out) {
  probe_instance_ = wiring.instance;
  if (connected_) *out.emplace_back().mutable_wiring() = ToProto(wiring);
  if (wiring.whole) wiring_.clear();
  for (PortWiring& port : wiring.ports) {
    const std::string name = port.port;
    wiring_[name] = std::move(port);
  }
}

void AgentCore::TellWiring(Outbox& out) const {
  if (wiring_.empty()) return;
  NodeWiring whole{probe_instance_, true, {}};
  for (const auto& [name, port] : wiring_) whole.ports.push_back(port);
  *out.emplace_back().mutable_wiring() = ToProto(whole);
}

std::optional<LeaseRefusal> AgentCore::Check(const Lease& lease) const {
  LeaseContext context;
  context.fleet = config_.fleet;
  context.node = config_.node;
  context.boot_nonce = config_.boot_nonce;
  context.link_configured = configured_.contains(lease.side);
  context.newest_sequence =
      std::max(book_.NewestSequence(lease.side), ReportOf(lease.side).lease_sequence);
  context.now = parts_.clock.Now();
  return CheckLease(lease, context);
}

void AgentCore::Refuse(LeaseRefusal why, std::string_view detail) {
  ++refusals_[static_cast<size_t>(why)];
  spdlog::warn("lease refused, {}: {}", LeaseRefusalWords(why), CleanWords(detail));
  faults_.Event(StrCat("lease refused, ", LeaseRefusalWords(why), ": ", detail),
                parts_.clock.Now());
  heartbeats_.Changed();
}

void AgentCore::OnLease(const agent::v1::SignedLease& signed_lease) {
  const absl::StatusOr<Lease> lease = VerifyLease(config_.lease_key, signed_lease);
  if (!lease.ok()) {
    const bool unsigned_lease = absl::IsPermissionDenied(lease.status());
    return Refuse(unsigned_lease ? LeaseRefusal::kNotSigned : LeaseRefusal::kMalformed,
                  ToStd(lease.status().message()));
  }
  const BootTime now = parts_.clock.Now();
  // On its way while the node was shut; it opens nothing later either.
  if (guard_.shut()) return renewals_.Refused(lease->request_id, lease->side, now);
  if (const auto why = Check(*lease)) {
    // The same lease twice is what an answer to a repeated request looks like.
    const std::optional<Lease> last = book_.LastLease(lease->side);
    if (*why == LeaseRefusal::kNotNewer && last && last->sequence == lease->sequence) {
      ++refusals_[static_cast<size_t>(*why)];
    } else {
      Refuse(*why, lease->side.link.ToString());
    }
    return renewals_.Refused(lease->request_id, lease->side, now);
  }
  // Written down before anything opens, so that no restart takes it twice.
  const absl::Status remembered = book_.Accept(*lease, signed_lease);
  faults_.Update("cannot write leases down, so none is accepted", remembered);
  if (!remembered.ok()) return renewals_.Refused(lease->request_id, lease->side, now);
  Lease held = *lease;
  if (Mutated(Mutation::kLifetimeFromArrival)) held.anchor = now;
  Hold(held);
}

void AgentCore::OnDenied(const agent::v1::LeaseDenied& denied) {
  const absl::StatusOr<LinkName> link = ParseLinkName(denied.link());
  const auto id = FromWireBytes<16>("request id", denied.request_id());
  if (!link.ok() || !id.ok()) return BadMessage("a denial of an unknown request");
  renewals_.Denied({*link, Role::kSend}, *id, absl::Nanoseconds(denied.retry_after_ns()),
                   parts_.clock.Now());
}

void AgentCore::OnRevoke(const agent::v1::Revoke& revoke, Outbox& out) {
  const absl::StatusOr<LinkName> link = ParseLinkName(revoke.link());
  const absl::StatusOr<Role> role = FromProto(revoke.role());
  if (!link.ok() || !role.ok()) return BadMessage("a revocation of an unknown link");
  const LinkSide side{*link, *role};
  if (NearNode(side) != config_.node) return BadMessage("a revocation for another node");
  spdlog::info("{} ({}): revoked: {}", link->ToString(), RoleName(*role),
               CleanWords(revoke.reason()));
  heartbeats_.Changed();
  const auto held = desired_.leases.find(side);
  const bool newer_held =
      held != desired_.leases.end() && held->second.sequence > revoke.sequence();
  const LinkReport gate = ReportOf(side);
  const bool never_leased = book_.NewestSequence(side) == 0 && gate.lease_sequence == 0;
  // A newer lease that the gate has not taken up leaves it with the one that is revoked.
  if (!newer_held || (IsOpen(gate) && gate.lease_sequence <= revoke.sequence())) {
    // Silence first, then paper.
    Executor::Outcome outcome = executor_.Close({side});
    if (!newer_held) Drop(side);
    if (!outcome.closed.empty()) finals_[side] = outcome.closed.front();
    outcome.closed.clear();
    Digest(outcome, out);
    dirty_ = true;
  }
  const absl::Status remembered = book_.Revoke(side, revoke.sequence());
  faults_.Update("cannot write a revocation down", remembered);
  if (have_config_ && !newer_held) RunPlan(out);
  if (remembered.ok() && !newer_held && !unclosed_.contains(side)) {
    AnswerRevoke(side, revoke.sequence(), never_leased, out);
  }
}

// The final count, if it is known for certain. If not, the controller counts
// what it does not hear of as spent, which is safe.
void AgentCore::AnswerRevoke(const LinkSide& side, uint64_t sequence, bool never_leased,
                             Outbox& out) {
  const auto final_report = finals_.find(side);
  LinkReport report;
  if (final_report != finals_.end()) {
    report = final_report->second;
  } else if (!never_leased) {
    return;
  }
  report.side = side;
  report.closed = true;
  report.lease_sequence = std::max(report.lease_sequence, sequence);
  SendClosed(report, out);
}

}  // namespace sluice
