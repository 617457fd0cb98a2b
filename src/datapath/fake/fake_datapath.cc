#include "datapath/fake/fake_datapath.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"
#include "base/units.h"

namespace sluice {
namespace {

absl::Duration SinceBoot(BootTime t) { return absl::Nanoseconds(t.ns); }

void CountDrop(Drops& drops, sluice_drop_reason reason, uint64_t bytes) {
  ++drops[reason].packets;
  drops[reason].bytes += bytes;
}

}  // namespace

std::optional<sluice_drop_reason> FakeGate::Offer(const LinkSide& side, uint64_t bytes) {
  if (!installed_ || kill_switch_ || !routed_.contains(side)) {
    const auto reason = kill_switch_ ? SLUICE_DROP_KILL_SWITCH : SLUICE_DROP_NO_LINK;
    CountDrop(unattributed_, reason, bytes);
    return reason;
  }
  Side& state = sides_[side];
  if (const auto reason = Check(side, state, bytes)) {
    CountDrop(state.drops, *reason, bytes);
    return reason;
  }
  state.admitted += bytes;
  ++state.packets;
  const absl::Duration credit =
      SinceBoot(clock_.Now()) - TimeFor(state.lease->burst, state.lease->rate);
  state.next = std::max(state.next, credit) + TimeFor(Bytes{bytes}, state.lease->rate);
  return std::nullopt;
}

absl::Duration FakeGate::Departure(const Side& state) const {
  return std::max(state.next, SinceBoot(clock_.Now()));
}

std::optional<sluice_drop_reason> FakeGate::Check(const LinkSide& side, const Side& state,
                                                  uint64_t bytes) const {
  if (!state.lease) return SLUICE_DROP_NO_LEASE;
  const absl::Duration now = SinceBoot(clock_.Now());
  const absl::Duration end = SinceBoot(state.lease->expires_at);
  if (now >= end) return SLUICE_DROP_EXPIRED;
  if (side.role == Role::kSend && Departure(state) - now > kFakeQueue) return SLUICE_DROP_RATE;
  if (side.role == Role::kSend && Departure(state) >= end) return SLUICE_DROP_EXPIRED;
  const uint64_t limit = state.lease->volume_limit.value;
  if (bytes > limit || state.admitted > limit - bytes) return SLUICE_DROP_VOLUME;
  return std::nullopt;
}

void FakeGate::Reboot() {
  installed_ = false;
  kill_switch_ = false;
  own_.clear();
  routes_.clear();
  routed_.clear();
  sides_.clear();
  unattributed_ = Drops{};
}

std::optional<GateLease> FakeGate::LeaseOf(const LinkSide& side) const {
  const auto found = sides_.find(side);
  if (found == sides_.end()) return std::nullopt;
  return found->second.lease;
}

uint64_t FakeGate::Admitted(const LinkSide& side) const {
  const auto found = sides_.find(side);
  return found == sides_.end() ? 0 : found->second.admitted;
}

void FakeGate::Close(const LinkSide& side) {
  const auto found = sides_.find(side);
  if (found != sides_.end()) found->second.lease = std::nullopt;
}

uint64_t FakeGate::LastSequence(const LinkSide& side) const {
  const auto found = sides_.find(side);
  return found == sides_.end() ? 0 : found->second.last_sequence;
}

LinkReport FakeGate::Report(const LinkSide& side) const {
  LinkReport report;
  report.side = side;
  report.closed = true;
  const auto found = sides_.find(side);
  if (found == sides_.end()) return report;
  const Side& state = found->second;
  report.admitted = Bytes{state.admitted};
  report.admitted_packets = state.packets;
  report.drops = state.drops;
  if (!state.lease) return report;
  report.closed = false;
  report.lease_sequence = state.lease->sequence;
  report.volume_limit = state.lease->volume_limit;
  report.expires_in = state.lease->expires_at - clock_.Now();
  return report;
}

void FakeDatapath::Fail(Call call, absl::Status status, int times) {
  failures_[call] = {std::move(status), times};
}

int FakeDatapath::Calls(Call call) const {
  const auto found = calls_.find(call);
  return found == calls_.end() ? 0 : found->second;
}

absl::Status FakeDatapath::Begin(Call call) {
  ++calls_[call];
  const auto failure = failures_.find(call);
  if (failure != failures_.end() && failure->second.second > 0) {
    --failure->second.second;
    return failure->second.first;
  }
  if (!started_ && call != Call::kStart)
    return absl::FailedPreconditionError("the datapath has not been started");
  return absl::OkStatus();
}

absl::StatusOr<Datapath::Started> FakeDatapath::Start(const DatapathConfig&) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kStart));
  Started started;
  started.counters_kept = gate_.installed_;
  started.choices = {{"gate", "fake", "in memory"}, {"shaper", "fake", "in memory"}};
  gate_.installed_ = true;
  started_ = true;
  return started;
}

absl::Status FakeDatapath::SetOwnPrefixes(const std::vector<IpPrefix>& prefixes) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kSetOwnPrefixes));
  gate_.own_ = prefixes;
  return absl::OkStatus();
}

absl::Status FakeDatapath::SetRoutes(const std::vector<GateRoute>& routes) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kSetRoutes));
  std::map<std::pair<Role, IpPrefix>, LinkSide> owners;
  std::set<LinkSide> routed;
  for (const GateRoute& route : routes) {
    const auto [there, added] = owners.try_emplace({route.side.role, route.prefix}, route.side);
    if (!added && there->second != route.side)
      return absl::InvalidArgumentError(
          StrCat("prefix ", route.prefix.ToString(), " is routed to two links"));
    routed.insert(route.side);
  }
  for (const LinkSide& side : gate_.routed_)
    if (!routed.contains(side)) gate_.Close(side);
  for (const LinkSide& side : routed) gate_.sides_.try_emplace(side);
  gate_.routes_ = {routes.begin(), routes.end()};
  gate_.routed_ = std::move(routed);
  return absl::OkStatus();
}

absl::Status FakeDatapath::Apply(const LinkSide& side, const GateLease& lease) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kApply));
  if (lease.rate < kMinRate || lease.rate > kMaxRate || lease.volume_limit > kMaxVolume ||
      lease.sequence == 0)
    return absl::InvalidArgumentError("lease out of range");
  if (!gate_.routed_.contains(side))
    return absl::NotFoundError(StrCat("no route for ", side.link.ToString()));
  gate_.sides_[side].lease = lease;
  gate_.sides_[side].last_sequence = lease.sequence;
  return absl::OkStatus();
}

absl::StatusOr<LinkReport> FakeDatapath::Close(const LinkSide& side) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kClose));
  gate_.Close(side);
  LinkReport report = gate_.Report(side);
  report.lease_sequence = gate_.LastSequence(side);
  return report;
}

absl::StatusOr<Datapath::Reading> FakeDatapath::Read() {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kRead));
  Reading reading;
  for (const LinkSide& side : gate_.routed_) reading.links.push_back(gate_.Report(side));
  reading.unattributed = gate_.unattributed_;
  return reading;
}

absl::StatusOr<std::vector<PortCounts>> FakeDatapath::ReadFabric() {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kReadFabric));
  return fabric;
}

absl::Status FakeDatapath::SetKillSwitch(bool on) {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kSetKillSwitch));
  gate_.kill_switch_ = on;
  return absl::OkStatus();
}

absl::Status FakeDatapath::Verify() { return Begin(Call::kVerify); }

absl::Status FakeDatapath::Remove() {
  SLUICE_RETURN_IF_ERROR(Begin(Call::kRemove));
  gate_.Reboot();
  started_ = false;
  return absl::OkStatus();
}

}  // namespace sluice
