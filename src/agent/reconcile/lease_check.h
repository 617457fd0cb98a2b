// Whether a lease may be obeyed. Pure.
#ifndef SLUICE_AGENT_RECONCILE_LEASE_CHECK_H_
#define SLUICE_AGENT_RECONCILE_LEASE_CHECK_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "model/lease.h"

namespace sluice {

// Why a lease was refused. The first two are found before CheckLease, where
// the message is taken apart; they are here so that all are counted alike.
enum class LeaseRefusal {
  kMalformed,
  kNotSigned,
  kForeignFleet,
  kForeignNode,
  kOtherBoot,
  kUnknownLink,
  kNotNewer,
  kOutOfRange,
  kAnchorInFuture,
  kExpired,
};
inline constexpr size_t kLeaseRefusals = 10;

std::string_view LeaseRefusalWords(LeaseRefusal refusal);

// What a lease is held against.
struct LeaseContext {
  std::string_view fleet;
  std::string_view node;
  BootNonce boot_nonce{};
  bool link_configured = false;  // the lease's link and role are in the current Config
  uint64_t newest_sequence = 0;  // highest ever accepted or revoked for that side, this boot
  BootTime now;
};

// Nothing if the lease, whose signature the caller has verified, may be
// obeyed; else the first reason against it.
std::optional<LeaseRefusal> CheckLease(const Lease& lease, const LeaseContext& context);

}  // namespace sluice

#endif  // SLUICE_AGENT_RECONCILE_LEASE_CHECK_H_
