// Leases and what ends report about them, as plain values.
#ifndef SLUICE_MODEL_LEASE_H_
#define SLUICE_MODEL_LEASE_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "base/clock.h"
#include "base/units.h"
#include "bpf/gate_abi.h"
#include "model/names.h"

namespace sluice {

using BootNonce = std::array<uint8_t, 16>;
using RequestId = std::array<uint8_t, 16>;

// proto/agent.proto, message Lease, says what each field means.
struct Lease {
  std::string fleet;
  std::string node;
  BootNonce boot_nonce{};
  LinkSide side;
  uint64_t sequence = 0;
  RequestId request_id{};
  BitRate rate;
  Bytes burst;
  Bytes volume_limit;
  BootTime anchor;
  absl::Duration lifetime;

  BootTime ExpiresAt() const { return anchor + lifetime; }
};

struct DropCount {
  uint64_t packets = 0;
  uint64_t bytes = 0;
  friend bool operator==(const DropCount&, const DropCount&) = default;
};
using Drops = std::array<DropCount, SLUICE_DROP_REASON_COUNT>;

std::string_view DropReasonName(sluice_drop_reason reason);
std::string_view DropReasonWords(sluice_drop_reason reason);

// What a gate says of one side of a link. Counters are cumulative since the boot nonce.
struct LinkReport {
  LinkSide side;
  uint64_t lease_sequence = 0;  // 0: no lease at the gate
  Bytes admitted;
  uint64_t admitted_packets = 0;
  Bytes volume_limit;
  absl::Duration expires_in;  // <= 0: expired or no lease
  bool closed = false;        // `admitted` is final
  Drops drops{};
  std::string fault;
};

}  // namespace sluice

#endif  // SLUICE_MODEL_LEASE_H_
