// What the box at the other end of a cable says of itself by LLDP (IEEE 802.1AB-2016).
#ifndef SLUICE_AGENT_PROBE_LLDP_H_
#define SLUICE_AGENT_PROBE_LLDP_H_

#include <map>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "model/wiring.h"
#include "os/packet/packet_interface.h"

namespace sluice {

inline constexpr uint16_t kLldpEtherType = 0x88cc;
// The addresses that LLDP is sent to: nearest bridge, nearest non-TPMR, nearest customer bridge.
inline constexpr MacAddress kLldpGroups[] = {{0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e},
                                             {0x01, 0x80, 0xc2, 0x00, 0x00, 0x03},
                                             {0x01, 0x80, 0xc2, 0x00, 0x00, 0x00}};

struct LldpMessage {
  LldpClaim claim;
  absl::Duration ttl;  // 0: it says that it is going
};

// Any bytes at all. Text is made printable; ids that are no text become hex ("02:00:…").
absl::StatusOr<LldpMessage> ParseLldp(std::string_view payload);

// The claims on one port. Not thread-safe.
class LldpTable {
 public:
  void Take(const MacAddress& sender, const LldpMessage& message, BootTime now);
  // The cable was unplugged.
  void Clear() { entries_.clear(); }
  // The newest one, and others that have been said again since it came: one that a newer one
  // followed on the same cable is of the past.
  std::vector<LldpClaim> Claims(BootTime now);

 private:
  struct Key {
    MacAddress sender{};
    LldpClaim claim;
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Entry {
    BootTime first;
    BootTime last;
    absl::Duration ttl;
  };
  std::map<Key, Entry> entries_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_LLDP_H_
