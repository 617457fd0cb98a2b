// Lease requests, leases and revocations.
#include <algorithm>
#include <utility>

#include "base/mutation.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/grant.h"
#include "controller/policy/ledger.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr absl::Duration kRetryStale = absl::Milliseconds(200);
constexpr absl::Duration kRetryStore = absl::Seconds(1);
// How far ahead of its own heartbeats a node may say that it sent a request.
constexpr absl::Duration kMostAhead = absl::Seconds(10);

agent::v1::DenyReason ToProto(Denial::Reason reason) {
  switch (reason) {
    case Denial::Reason::kNoQuota:
      return agent::v1::DENY_NO_QUOTA;
    case Denial::Reason::kExhausted:
      return agent::v1::DENY_EXHAUSTED;
    case Denial::Reason::kRevoked:
      return agent::v1::DENY_REVOKED;
    case Denial::Reason::kPeerAbsent:
      return agent::v1::DENY_PEER_ABSENT;
    case Denial::Reason::kRecalling:
      return agent::v1::DENY_UNAVAILABLE;
    case Denial::Reason::kCrowded:
      return agent::v1::DENY_CROWDED;
    case Denial::Reason::kTampered:
      return agent::v1::DENY_TAMPERED;
    case Denial::Reason::kMiswired:
      return agent::v1::DENY_MISWIRED;
  }
  return agent::v1::DENY_UNSPECIFIED;
}

void AddLease(const std::string& node, agent::v1::SignedLease lease, Effects& effects) {
  Effects::Send& send = effects.sends.emplace_back();
  send.node = node;
  *send.message.mutable_lease() = std::move(lease);
}

}  // namespace

absl::Status CoreImpl::OnLeaseRequest(Node& node, const agent::v1::LeaseRequest& request,
                                      Effects& effects) {
  SLUICE_ASSIGN_OR_RETURN(const RequestId id,
                          FromWireBytes<16>("the request id", request.request_id()));
  SLUICE_ASSIGN_OR_RETURN(const LinkReport usage, ParseReport(node, request.usage()));
  if (usage.side.role != Role::kSend)
    return absl::InvalidArgumentError("only a link's sender asks for leases");
  if (request.sent_at_ns() <= 0) return absl::InvalidArgumentError("sent_at_ns is not positive");

  Link* link = FindLink(usage.side.link);
  if (link == nullptr) {
    Deny(node, request.usage().link(), request.request_id(), agent::v1::DENY_NO_QUOTA,
         "the link has no quota", absl::Seconds(30), effects);
    return absl::OkStatus();
  }
  if (link->pending) Flush(effects);
  TakeReport(node, usage, effects);
  link->asked = clock_.Now();
  if (!AnswerRepeated(node, *link, request, id, effects)) Decide(node, *link, request, id, effects);
  return absl::OkStatus();
}

bool CoreImpl::AnswerRepeated(Node& node, Link& link, const agent::v1::LeaseRequest& request,
                              const RequestId& id, Effects& effects) {
  const LinkRecord& record = link.record;
  const Session& session = *node.session;
  const auto stale = [&](const std::string& text) {
    Deny(node, record.link.ToString(), request.request_id(), agent::v1::DENY_STALE, text,
         kRetryStale, effects);
    return true;
  };
  if (BootTime{request.sent_at_ns()} >
      session.beat_sent + (clock_.Now() - session.beat_arrived) + kMostAhead)
    return stale("the request says that it was sent after it arrived");
  const IssuedLease& last = record.send;
  if (last.sequence == 0 || last.boot != session.boot) return false;
  if (last.request_id != id) {
    if (BootTime{request.sent_at_ns()} + last.lifetime > last.expires_at) return false;
    return stale("a later request of this link was answered before");
  }
  // Where no lease may be out, Decide says why.
  if (!MayLease(record) || Recalling(record)) return false;
  agent::v1::SignedLease lease;
  if (last.closed || !Alive(last) || !lease.ParseFromString(last.signed_lease))
    return stale("the lease of this request is over; ask anew");
  AddLease(node.record.name, std::move(lease), effects);
  return true;
}

void CoreImpl::Decide(Node& node, Link& link, const agent::v1::LeaseRequest& request,
                      const RequestId& id, Effects& effects) {
  LinkRecord next = link.record;
  GrantInput input;
  input.quota = next.quota;
  input.now = Now();
  input.account = next.quota ? Rolled(*next.quota, next.account, input.now) : next.account;
  const Bar bar = BarOf(next);
  if (bar.kind == Bar::Kind::kRevoked) input.revoked = Words(bar, next);
  if (bar.kind == Bar::Kind::kTampered) input.tampered = Words(bar, next);
  if (bar.kind == Bar::Kind::kMiswired) input.miswired = Words(bar, next);
  input.recalling = Recalling(next);
  input.receiver_present = Online(next.link.dst) && bar.kind != Bar::Kind::kDark;
  input.rooms = RoomsFor(link);
  input.idle = IsIdle(link);
  const GrantDecision decision = DecideGrant(input);
  if (const auto* denial = std::get_if<Denial>(&decision)) {
    Deny(node, next.link.ToString(), request.request_id(), ToProto(denial->reason), denial->text,
         denial->retry_after, effects);
    return;
  }
  next.send.request_id = id;
  PendingGrant grant{next.link, {}, request.request_id(), {}, {}};
  grant.send =
      IssueSend(next, std::get<Grant>(decision), *node.session, BootTime{request.sent_at_ns()});
  grant.receive = IssueReceive(next, link);
  grant.before = std::exchange(link.record, std::move(next));
  Recharge(link);
  link.pending = true;
  pending_.push_back(std::move(grant));
}

void CoreImpl::Flush(Effects& effects) {
  if (pending_.empty()) return;
  Batch batch;
  batch.links.reserve(pending_.size());
  for (const PendingGrant& grant : pending_) batch.links.push_back(links_.at(grant.link).record);
  const absl::Status status = Commit(std::move(batch));
  const bool granted = status.ok() || Mutated(Mutation::kVisibleBeforeDurable);
  std::vector<PendingGrant> grants = std::exchange(pending_, {});
  for (PendingGrant& grant : grants)
    granted ? Release(std::move(grant), effects) : TakeBack(grant, status, effects);
}

void CoreImpl::Release(PendingGrant grant, Effects& effects) {
  Link& link = links_.at(grant.link);
  const LinkRecord& record = link.record;
  link.pending = false;
  link.dirty = false;
  link.reported_at_grant = record.account.reported;
  if (link.sender.report) {
    const uint64_t drops = link.sender.report->drops[SLUICE_DROP_VOLUME].packets;
    if (record.account.ceiling > grant.before.account.ceiling) link.volume_drops_at_grant = drops;
    if (SaturatingSub(record.send.volume_limit, record.account.reported) >= kLargestPacket)
      link.volume_drops_when_roomy = drops;
  }
  if (grant.receive) AddLease(grant.link.dst, *std::move(grant.receive), effects);
  AddLease(grant.link.src, std::move(grant.send), effects);
}

// Reports that came since stay taken: they cannot be of the lease that was never sent.
void CoreImpl::TakeBack(const PendingGrant& grant, const absl::Status& why, Effects& effects) {
  Link& link = links_.at(grant.link);
  LinkRecord& record = link.record;
  link.pending = false;
  record.account.ceiling = std::max(grant.before.account.ceiling, record.account.reported);
  record.receiver = grant.before.receiver;
  record.sequence = grant.before.sequence;
  record.recall_upto = grant.before.recall_upto;
  record.held = grant.before.held;
  record.send = grant.before.send;
  record.receive = grant.before.receive;
  link.dirty = true;
  Recharge(link);
  Node* node = FindNode(grant.link.src);
  if (node == nullptr) return;
  Deny(*node, grant.link.ToString(), grant.request_id, agent::v1::DENY_UNAVAILABLE,
       StrCat("the controller cannot store a grant: ", ToStd(why.message())), kRetryStore, effects);
}

agent::v1::SignedLease CoreImpl::IssueSend(LinkRecord& record, const Grant& grant,
                                           const Session& session, BootTime sent_at) const {
  record.account = grant.account;
  record.recall_upto = 0;
  IssuedLease& lease = record.send;
  if (Alive(lease)) record.held = Held(record, Now());
  lease.sequence = ++record.sequence;
  lease.boot = session.boot;
  lease.rate = grant.rate;
  lease.burst = grant.burst;
  lease.volume_limit = grant.volume_limit;
  lease.issued_at = Now();
  lease.lifetime = grant.lifetime;
  lease.expires_at = sent_at + grant.lifetime;
  lease.dead_at = Now() + ConservativeLifetime(grant.lifetime, config_.clock_rate_error,
                                               config_.enforcement_delay);
  lease.closed = false;
  agent::v1::SignedLease signed_lease = Sign({record.link, Role::kSend}, lease, sent_at);
  lease.signed_lease = signed_lease.SerializeAsString();
  return signed_lease;
}

std::optional<agent::v1::SignedLease> CoreImpl::IssueReceive(LinkRecord& record,
                                                             const Link& link) const {
  const Node* receiver = FindNode(record.link.dst);
  if (receiver == nullptr || !receiver->session) return std::nullopt;
  const Session& session = *receiver->session;
  const absl::Duration rest = record.send.issued_at + record.send.lifetime - Now();
  if (rest <= absl::ZeroDuration()) return std::nullopt;
  if (record.receiver.boot != session.boot) {
    record.receiver.boot = session.boot;
    record.receiver.charged = LifeReported(record.account);
    const bool counted = link.receiver.report && link.receiver.at >= session.began;
    record.receiver.count = counted ? link.receiver.report->admitted : Bytes{0};
  }
  const absl::Duration beat_age = clock_.Now() - session.beat_arrived;
  IssuedLease& lease = record.receive;
  // Both roles share one count, so a pair granted together has one number.
  if (record.send.sequence <= lease.sequence) ++record.sequence;
  lease.sequence = record.sequence;
  lease.boot = session.boot;
  lease.rate = record.send.rate;
  lease.burst = record.send.burst;
  lease.volume_limit = ReceiverLimit(record.account, record.receiver);
  lease.issued_at = Now();
  lease.lifetime = rest;
  lease.expires_at = session.beat_sent + (rest + beat_age);
  lease.dead_at = Now() + ConservativeLifetime(rest + beat_age, config_.clock_rate_error,
                                               config_.enforcement_delay);
  lease.closed = false;
  return Sign({record.link, Role::kReceive}, lease, session.beat_sent);
}

void CoreImpl::RenewReceivers(Node& receiver, Effects& effects) {
  Batch batch;
  std::vector<agent::v1::SignedLease> leases;
  for (const LinkName& name : receiver.links) {
    const Link& link = links_.at(name);
    const LinkRecord& record = link.record;
    if (name.dst != receiver.record.name || !MayHold(record)) continue;
    if (!Alive(record.send) || record.send.sequence <= record.recall_upto) continue;
    LinkRecord next = record;
    auto lease = IssueReceive(next, link);
    if (!lease) continue;
    leases.push_back(*std::move(lease));
    batch.links.push_back(std::move(next));
  }
  if (batch.empty() || !Commit(batch).ok()) return;
  for (LinkRecord& record : batch.links) {
    Link& link = links_[record.link];
    link.record = std::move(record);
    link.dirty = false;
  }
  for (agent::v1::SignedLease& lease : leases)
    AddLease(receiver.record.name, std::move(lease), effects);
}

agent::v1::SignedLease CoreImpl::Sign(const LinkSide& side, const IssuedLease& lease,
                                      BootTime anchor) const {
  Lease out;
  out.fleet = config_.fleet;
  out.node = side.role == Role::kSend ? side.link.src : side.link.dst;
  out.boot_nonce = lease.boot;
  out.side = side;
  out.sequence = lease.sequence;
  if (side.role == Role::kSend) out.request_id = lease.request_id;
  out.rate = lease.rate;
  out.burst = lease.burst;
  out.volume_limit = lease.volume_limit;
  out.anchor = anchor;
  out.lifetime = lease.expires_at - anchor;
  return SignLease(signer_, out);
}

bool CoreImpl::Alive(const IssuedLease& lease) const {
  return lease.sequence > 0 && !lease.closed && Now() < lease.dead_at;
}

bool CoreImpl::Recalling(const LinkRecord& record) const {
  return record.send.sequence <= record.recall_upto && Alive(record.send);
}

void CoreImpl::Deny(Node& node, const std::string& link, const std::string& request_id,
                    agent::v1::DenyReason reason, const std::string& text, absl::Duration retry,
                    Effects& effects) {
  Effects::Send& send = effects.sends.emplace_back();
  send.node = node.record.name;
  agent::v1::LeaseDenied& denied = *send.message.mutable_denied();
  denied.set_request_id(request_id);
  denied.set_link(link);
  denied.set_reason(reason);
  denied.set_text(CleanWords(text));
  denied.set_retry_after_ns(absl::ToInt64Nanoseconds(retry));
}

void CoreImpl::SendRevokes(const Link& link, const std::string& reason, Effects& effects) {
  const LinkName& name = link.record.link;
  for (const Role role : {Role::kSend, Role::kReceive}) {
    const std::string& end = role == Role::kSend ? name.src : name.dst;
    if (link.record.sequence == 0 || !Online(end)) continue;
    if (role == Role::kReceive && Mutated(Mutation::kRevokeSenderOnly)) continue;
    Effects::Send& send = effects.sends.emplace_back();
    send.node = end;
    agent::v1::Revoke& revoke = *send.message.mutable_revoke();
    revoke.set_link(name.ToString());
    revoke.set_role(sluice::ToProto(role));
    revoke.set_sequence(link.record.sequence);
    revoke.set_reason(CleanWords(reason));
  }
}

}  // namespace sluice
