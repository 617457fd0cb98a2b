// Records with every field set, for tests.
#ifndef SLUICE_CONTROLLER_STORE_STORE_SAMPLES_H_
#define SLUICE_CONTROLLER_STORE_STORE_SAMPLES_H_

#include <string>

#include "controller/store/store_interface.h"

namespace sluice {

inline FleetRecord SampleFleet() {
  return FleetRecord{"lab", PublicKey{1, 2}, LedgerTime{5}, BootTime{9}, "boot-a", 3, 4, 5};
}

inline NodeRecord SampleNode(const std::string& name, uint32_t index) {
  NodeRecord node;
  node.name = name;
  node.enclosure = "east";
  node.gateway = true;
  node.index = index;
  node.prefixes_named = true;
  node.prefixes = {*ParseIpPrefix("10.1.0.0/24"), *ParseIpPrefix("fd00:1::/64")};
  node.identity_key = PublicKey{3, static_cast<uint8_t>(index)};
  node.control_key = PublicKey{4, static_cast<uint8_t>(index)};
  node.boot = BootNonce{5};
  node.tunnel_key = PublicKey{6};
  node.fabric_endpoints = {"192.0.2.1:51820", "[2001:db8::1]:51820"};
  node.config_generation = 7;
  node.tamper_id = TamperId{34};
  node.tamper_source = "socket /run/lid";
  node.tamper_words = "the lid is open";
  node.tampered_at = "2026-01-02 00:00:00 UTC";
  node.readmitted_id = TamperId{35};
  return node;
}

inline TokenRecord SampleToken(uint32_t index) {
  TokenRecord token;
  token.index = index;
  token.node = "a1";
  token.bootstrap_key = PublicKey{8, static_cast<uint8_t>(index)};
  token.secret_hash = {9};
  token.expires_at = LedgerTime{10};
  token.forget_at = LedgerTime{11};
  token.used_at = "2026-01-01 00:00:00 UTC";
  token.used_by_identity = PublicKey{12};
  token.used_by_control = PublicKey{13};
  token.withdrawn = true;
  return token;
}

inline IssuedLease SampleLease(uint64_t sequence) {
  IssuedLease lease;
  lease.sequence = sequence;
  lease.boot = BootNonce{14};
  lease.request_id = RequestId{15};
  lease.rate = kMaxRate;
  lease.burst = Bytes{16};
  lease.volume_limit = kMaxVolume;
  lease.issued_at = LedgerTime{17};
  lease.lifetime = absl::Seconds(18);
  lease.expires_at = BootTime{19};
  lease.dead_at = LedgerTime{20};
  lease.closed = true;
  lease.signed_lease = std::string("\0signed", 7);
  return lease;
}

inline LinkRecord SampleLink(const std::string& src, const std::string& dst) {
  LinkRecord link;
  link.link = {src, dst};
  link.quota = Quota{Scope::Link(link.link), kMaxRate,          kMinBurst, kMaxVolume,
                     absl::Hours(24),        kMinLeaseLifetime, 21};
  link.account.spent = Bytes{22};
  link.account.window_start = LedgerTime{23};
  link.account.boot = BootNonce{24};
  link.account.reported = Bytes{25};
  link.account.ceiling = kMaxVolume;
  link.account.settled = Bytes{26};
  link.receiver = ReceiverBase{BootNonce{27}, Bytes{28}, Bytes{29}};
  link.sequence = 40;
  link.recall_upto = 39;
  link.suspended = true;
  link.suspend_reason = "a drill; 'quoted'";
  link.held = HeldRate{kMaxRate, kMaxBurst, LedgerTime{30}};
  link.send = SampleLease(38);
  link.receive = SampleLease(37);
  return link;
}

inline ScopeRecord SampleScope(const Scope& scope) {
  ScopeRecord record;
  record.quota = Quota{
      scope, kMaxScopeRate, kMaxScopeBurst, kMaxVolume, absl::Hours(24), kMaxLeaseLifetime, 31};
  record.base = (absl::int128{1} << 100) + 32;
  record.window_start = LedgerTime{33};
  return record;
}

inline PlanRecord SamplePlan(uint64_t version) {
  PlanRecord plan;
  plan.version = version;
  plan.at_ms = 36;
  plan.text = "graph f {\n  // \"quoted\", it's\n}\n";
  plan.signature.fill(37);
  return plan;
}

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_STORE_SAMPLES_H_
