// IPsec in the kernel (ip-xfrm(8), linux/xfrm.h): ESP tunnel SAs (RFC 4303) with AES-256-GCM
// (RFC 4106) and extended sequence numbers, the policies that lead packets into them, and
// the xfrm interfaces to which both belong.
#ifndef SLUICE_OS_NETLINK_XFRM_INTERFACE_H_
#define SLUICE_OS_NETLINK_XFRM_INTERFACE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "model/prefix.h"

namespace sluice {

inline constexpr uint64_t kXfrmUnlimited = ~uint64_t{0};

// The kernel deletes an SA that reaches one of these. A packet is let through while the
// count before it is below the limit, so the last one may exceed it.
struct XfrmLimits {
  uint64_t bytes = kXfrmUnlimited;  // of inner packets
  uint64_t packets = kXfrmUnlimited;
  // Since the SA was added, on the wall clock: one that is set back lengthens it. 0: none.
  uint64_t seconds = 0;
  friend bool operator==(const XfrmLimits&, const XfrmLimits&) = default;
};

struct XfrmSa {
  uint32_t if_id = 0;  // of the xfrm interface; never 0
  IpAddress source;    // outer, both of one family
  IpAddress destination;
  uint32_t spi = 0;    // host byte order; 1 to 255 are reserved (RFC 4303)
  uint32_t reqid = 0;  // what policies bind it by
  uint32_t mark = 0;   // fwmark on the ESP packets that it makes; 0: the inner packet's
  XfrmLimits limits;
};

// What rfc4106(gcm(aes)) takes: the cipher's key and four bytes of salt, as they lie in memory.
struct XfrmKey {
  Secret32 key;
  uint32_t salt = 0;
};

// An SA as the kernel lists it, without its key.
struct XfrmSaState {
  XfrmSa sa;
  uint64_t bytes = 0;  // of inner packets
  uint64_t packets = 0;
  absl::Time added;           // whole seconds of the wall clock
  uint64_t sent_number = 0;   // the sequence numbers used last
  uint64_t heard_number = 0;  // the highest that was received
  uint32_t replay_window = 0;
  bool extended = false;  // sequence numbers of 64 bits
};

enum class XfrmDirection { kIn, kOut, kForward };

// Packets of the interface from `source` to `destination` (one family, length 0 is any) must
// take, or have taken, an SA with this reqid between these outer addresses.
struct XfrmPolicy {
  uint32_t if_id = 0;
  XfrmDirection direction = XfrmDirection::kOut;
  IpPrefix source;
  IpPrefix destination;
  uint32_t priority = 0;  // of those that match, the lowest decides
  IpAddress outer_source;
  IpAddress outer_destination;
  uint32_t reqid = 0;
  uint32_t spi = 0;  // only this one; 0: any
  friend auto operator<=>(const XfrmPolicy&, const XfrmPolicy&) = default;
};

struct XfrmDevice {
  uint32_t if_id = 0;
  std::string alias;
};

// Not thread-safe. What the kernel lacks is Unimplemented.
class Xfrm {
 public:
  virtual ~Xfrm() = default;

  // An xfrm interface, down. AlreadyExists if the name or the number is taken.
  virtual absl::Status CreateDevice(const std::string& name, uint32_t if_id) = 0;
  // FailedPrecondition for a device of another kind.
  virtual absl::StatusOr<XfrmDevice> Device(const std::string& name) = 0;
  virtual absl::Status SetAlias(const std::string& name, const std::string& alias) = 0;

  // AlreadyExists if there is one with that destination and SPI.
  virtual absl::Status AddSa(const XfrmSa& sa, const XfrmKey& key) = 0;
  // Changes the limits and the mark of the SA with that destination and SPI, nothing else:
  // neither its key nor its counters nor its sequence numbers. NotFound.
  virtual absl::Status UpdateSa(const XfrmSa& sa) = 0;
  // OK if there is none with that destination and SPI.
  virtual absl::Status DeleteSa(const XfrmSa& sa) = 0;
  virtual absl::StatusOr<std::vector<XfrmSaState>> Sas(uint32_t if_id) = 0;

  // Replaces the policy of the same interface, direction, source and destination at once:
  // there is no moment without one.
  virtual absl::Status SetPolicy(const XfrmPolicy& policy) = 0;
  // OK if there is none of the same interface, direction, source and destination.
  virtual absl::Status DeletePolicy(const XfrmPolicy& policy) = 0;
  virtual absl::StatusOr<std::vector<XfrmPolicy>> Policies(uint32_t if_id) = 0;

  // Returns when no packet is left that was given an SA by a policy of before the call and
  // has not reached that SA yet. Some 10 ms.
  virtual void AwaitPolicies() = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_XFRM_INTERFACE_H_
