// What nodes report, taken into the ledger.
#include <algorithm>
#include <tuple>
#include <utility>

#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/ledger.h"
#include "spdlog/spdlog.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

// A node that keeps open what it should have closed is told again so often.
constexpr absl::Duration kRepeatRevoke = absl::Seconds(1);

// Reports that are older than this are not compared with the other end's.
constexpr absl::Duration kComparableAge = absl::Seconds(1);

bool IsOpen(const LinkReport& report) {
  return report.lease_sequence > 0 && !report.closed && report.expires_in > absl::ZeroDuration();
}

}  // namespace

absl::StatusOr<LinkReport> CoreImpl::ParseReport(const Node& node,
                                                 const agent::v1::LinkReport& proto) const {
  SLUICE_ASSIGN_OR_RETURN(LinkReport report, FromProto(proto));
  const LinkName& link = report.side.link;
  const std::string& end = report.side.role == Role::kSend ? link.src : link.dst;
  if (end != node.record.name)
    return absl::PermissionDeniedError(StrCat("node ", node.record.name, " does not ",
                                              RoleName(report.side.role), " on link ",
                                              link.ToString()));
  return report;
}

absl::StatusOr<std::vector<LinkReport>> CoreImpl::ParseReports(const Node& node,
                                                               const Reports& reports) const {
  std::vector<LinkReport> out;
  out.reserve(static_cast<size_t>(reports.size()));
  for (const agent::v1::LinkReport& proto : reports) {
    SLUICE_ASSIGN_OR_RETURN(LinkReport report, ParseReport(node, proto));
    out.push_back(std::move(report));
  }
  return out;
}

void CoreImpl::TakeReport(Node& node, const LinkReport& report, Effects& effects) {
  Link* link = FindLink(report.side.link);
  if (link == nullptr) {
    End none;
    if (IsOpen(report)) RepeatRevoke(node, none, report.side, report.lease_sequence, effects);
    return;
  }
  const bool sends = report.side.role == Role::kSend;
  End& end = sends ? link->sender : link->receiver;
  if (sends) CountAdmitted(node, end, report);
  sends ? TakeSenderReport(*node.session, *link, report)
        : TakeReceiverReport(*node.session, *link, report);
  end.report = report;
  end.at = clock_.Now();
  Compare(*link);
  const LinkRecord& record = link->record;
  const IssuedLease& lease = sends ? record.send : record.receive;
  if (report.closed && lease.closed) NoteClosed(report.side, lease.sequence);
  const bool may = MayHold(record);
  const bool allowed = may && (!sends || report.lease_sequence > record.recall_upto);
  // A lease or its revocation may have been lost with a session. Without an answer to the
  // latter nobody knows that the former is not on the node, behind what its gate holds.
  const bool unanswered = sends && Recalling(record);
  if (allowed && !unanswered) return;
  const uint64_t upto = may ? record.recall_upto : record.sequence;
  if (IsOpen(report) || unanswered)
    RepeatRevoke(node, end, report.side, std::max(upto, report.lease_sequence), effects);
}

void CoreImpl::TakeSenderReport(const Session& session, Link& link, const LinkReport& report) {
  LinkRecord& record = link.record;
  const auto state = [&record] {
    return std::tuple(record.account, record.sequence, record.send.sequence, record.send.closed,
                      record.held);
  };
  const auto before = state();
  if (record.quota) record.account = Rolled(*record.quota, record.account, Now());
  // A session's reports come in order, so a count that goes back began anew.
  if (record.account.boot != session.boot || report.admitted < record.account.reported) {
    const Bytes ceiling = record.account.ceiling;
    const bool same_boot = record.account.boot == session.boot;
    if (same_boot)
      spdlog::warn("link {}: the sender's count went back from {} to {} bytes",
                   record.link.ToString(), record.account.reported.value, report.admitted.value);
    record.account = Rebooted(record.account, session.boot, report.admitted);
    // It may also be an old report, come again: then the lease is still out.
    if (same_boot && Alive(record.send))
      record.account.ceiling = std::max(ceiling, report.admitted);
  }
  if (report.lease_sequence > record.sequence) TakeUnknownLease(session, link, report);

  const bool newest = report.lease_sequence >= record.send.sequence;
  // What the gate counted before its last message is surely in this report, so
  // if that message left after the newest lease's end, nothing can follow it.
  const bool outlived = session.previous_sent > record.send.expires_at + config_.enforcement_delay;
  const bool closed = report.closed || Mutated(Mutation::kOpenIsFinal);
  const bool final = closed && (newest || outlived);
  SenderCount count{session.boot, report.admitted, std::nullopt, Bytes{0}};
  if (final) {
    count.bound = report.admitted;
  } else if (newest && !report.closed && record.send.sequence > 0) {
    count.bound = report.volume_limit;
  }
  if (report.admitted > record.account.ceiling && record.account.boot == session.boot)
    spdlog::error("link {}: the gate admitted {} bytes under leases for {}", record.link.ToString(),
                  report.admitted.value, record.account.ceiling.value);
  record.account = Reported(record.account, count);
  if (final && record.send.boot == session.boot) record.send.closed = true;
  if ((newest || final) && record.send.boot == session.boot) record.held = HeldRate{};
  link.dirty = link.dirty || state() != before;
  Recharge(link);
}

// The gate has a lease that only a store newer than this one has granted: this
// store was restored from a backup. It counts as granted.
void CoreImpl::TakeUnknownLease(const Session& session, Link& link, const LinkReport& report) {
  LinkRecord& record = link.record;
  spdlog::error("link {}: node has lease {} and the ledger knows {}; was it set back?",
                record.link.ToString(), report.lease_sequence, record.sequence);
  record.sequence = report.lease_sequence;
  record.account =
      Reported(record.account, SenderCount{session.boot, report.admitted, std::nullopt,
                                           report.closed ? Bytes{0} : report.volume_limit});
  IssuedLease lease;
  lease.sequence = report.lease_sequence;
  lease.boot = session.boot;
  lease.volume_limit = report.volume_limit;
  if (record.quota) {
    lease.rate = record.quota->rate;
    lease.burst = record.quota->burst;
  }
  lease.issued_at = Now();
  lease.lifetime = std::clamp(report.expires_in, absl::ZeroDuration(), kMaxLeaseLifetime);
  lease.expires_at = session.beat_sent + lease.lifetime;
  lease.dead_at = Now() + ConservativeLifetime(lease.lifetime, config_.clock_rate_error,
                                               config_.enforcement_delay);
  record.send = lease;
}

std::optional<EndCounts> CoreImpl::CountsOf(const Link& link) const {
  const LinkRecord& record = link.record;
  const Node* src = FindNode(record.link.src);
  const Node* dst = FindNode(record.link.dst);
  if (src == nullptr || dst == nullptr || !src->session || !dst->session) return std::nullopt;
  if (record.account.boot != src->session->boot || record.receiver.boot != dst->session->boot)
    return std::nullopt;
  for (const auto& [end, session] :
       {std::pair(&link.sender, &*src->session), std::pair(&link.receiver, &*dst->session)}) {
    const bool fresh =
        end->report && end->at >= session->began && clock_.Now() - end->at < kComparableAge;
    if (!fresh) return std::nullopt;
  }
  return EndCounts{SaturatingSub(LifeReported(record.account), record.receiver.charged),
                   SaturatingSub(link.receiver.report->admitted, record.receiver.count)};
}

void CoreImpl::Compare(Link& link) {
  const auto counts = CountsOf(link);
  if (!counts) return;
  const IssuedLease& lease = link.record.send;
  link.comparison = Compared(link.comparison, *counts, InFlight(lease.rate, lease.burst), Now());
  const auto mismatch = MismatchOf(link);
  if (mismatch.has_value() == std::exchange(link.mismatch, mismatch.has_value())) return;
  const LinkName& name = link.record.link;
  if (!mismatch) {
    Note("mismatch_over", Severity::kInfo, Scope::Link(name),
         "the counts of both ends agree again");
    return;
  }
  Note("mismatch", Severity::kError, Scope::Link(name), mismatch->text);
  spdlog::error("link {}: {}", name.ToString(), mismatch->text);
}

void CoreImpl::TakeReceiverReport(const Session& session, Link& link, const LinkReport& report) {
  LinkRecord& record = link.record;
  const auto state = [&record] { return std::pair(record.sequence, record.receive.closed); };
  const auto before = state();
  record.sequence = std::max(record.sequence, report.lease_sequence);
  if (report.closed && record.receive.boot == session.boot &&
      report.lease_sequence >= record.receive.sequence)
    record.receive.closed = true;
  link.dirty = link.dirty || state() != before;
}

void CoreImpl::TakeReboots(Node& node, const std::vector<LinkReport>& reports) {
  const BootNonce& boot = node.session->boot;
  std::map<LinkName, Bytes> admitted;
  for (const LinkReport& report : reports) {
    if (report.side.role == Role::kSend) admitted[report.side.link] = report.admitted;
  }
  for (const LinkName& name : node.links) {
    Link& link = links_.at(name);
    LinkRecord& record = link.record;
    if (name.dst == node.record.name && record.receive.boot != boot) record.receive.closed = true;
    if (name.src != node.record.name || !record.account.boot) continue;
    if (record.account.boot == boot) continue;
    const auto seen = admitted.find(name);
    if (record.quota) record.account = Rolled(*record.quota, record.account, Now());
    record.account =
        Rebooted(record.account, boot, seen == admitted.end() ? Bytes{0} : seen->second);
    if (record.send.boot != boot) {
      record.send.closed = true;
      record.held = HeldRate{};
    }
    link.dirty = true;
    Recharge(link);
  }
}

// A node reports on the links of its Config alone. What it closed on another, it says again
// when it is asked again.
void CoreImpl::RepeatRecalls(Node& node, Effects& effects) {
  for (const LinkName& name : node.links) {
    Link& link = links_.at(name);
    const LinkRecord& record = link.record;
    if (name.src != node.record.name || !Alive(record.send)) continue;
    if (MayHold(record) && !Recalling(record)) continue;
    RepeatRevoke(node, link.sender, {name, Role::kSend}, record.sequence, effects);
  }
}

void CoreImpl::RepeatRevoke(Node& node, End& end, const LinkSide& side, uint64_t upto,
                            Effects& effects) {
  if (end.revoked_at.ns != 0 && clock_.Now() - end.revoked_at < kRepeatRevoke) return;
  end.revoked_at = clock_.Now();
  Effects::Send& send = effects.sends.emplace_back();
  send.node = node.record.name;
  agent::v1::Revoke& revoke = *send.message.mutable_revoke();
  revoke.set_link(side.link.ToString());
  revoke.set_role(ToProto(side.role));
  revoke.set_sequence(upto);
  revoke.set_reason("the controller has no lease on this link");
}

}  // namespace sluice
