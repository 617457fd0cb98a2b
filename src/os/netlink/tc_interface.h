// Queueing disciplines of network devices (tc(8)).
#ifndef SLUICE_OS_NETLINK_TC_INTERFACE_H_
#define SLUICE_OS_NETLINK_TC_INTERFACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// "major:minor" in one word, as the kernel writes it.
constexpr uint32_t TcHandle(uint32_t major, uint32_t minor) { return major << 16 | minor; }
inline constexpr uint32_t kTcRoot = 0xFFFFFFFF;  // as a parent: the device's egress

struct QueueStats {
  uint64_t bytes = 0;  // of packets that were sent on
  uint64_t packets = 0;
  uint32_t drops = 0;
  uint32_t backlog_bytes = 0;
  uint32_t backlog_packets = 0;
};

// A class of HTB that never borrows: a token bucket for the rate and one for
// the peak. Rates are in bytes/s, which is what the kernel keeps.
struct HtbClass {
  uint32_t id = 0;      // TcHandle(major of the qdisc, minor)
  uint32_t parent = 0;  // the qdisc or another class
  // A class may send while neither bucket is in debt, so a window can hold
  // `burst` and one packet more than the rate; the same for the peak. The
  // kernel keeps bursts in 64 ns steps of their rate.
  uint64_t rate = 0;
  uint64_t burst = 0;
  uint64_t peak = 0;  // at least the rate ("ceil")
  uint64_t peak_burst = 0;
  uint32_t quantum = 0;  // bytes per round between classes that may send
  // Bytes that each packet costs on top. The kernel rounds the cost of a packet
  // down to 1 ns unless 10^9 is a multiple of the rate.
  uint16_t overhead = 0;
};

// TBF splits a GSO packet longer than `max_size` into packets of the wire's size.
struct TbfParameters {
  uint64_t rate = 0;      // bytes/s
  uint32_t max_size = 0;  // bytes; also the burst
  uint32_t limit = 0;     // bytes that may wait
};

struct FqParameters {
  uint32_t limit = 0;       // packets
  uint32_t flow_limit = 0;  // packets
  uint32_t horizon_us = 0;  // packets due later are dropped
};

// A queueing discipline as the kernel lists it. Fields of other kinds are zero.
struct Qdisc {
  std::string kind;
  uint32_t handle = 0;
  uint32_t parent = 0;
  uint32_t default_class = 0;  // htb: minor
  TbfParameters tbf;           // max_size as the rate's burst tells it: 0 if the rate is huge
  uint32_t limit = 0;          // bfifo: bytes; fq: packets
  QueueStats stats;
};

struct HtbClassState {
  HtbClass htb;
  uint32_t leaf = 0;  // handle of the qdisc below
  QueueStats stats;
};

// Not thread-safe. `device` is an interface index. A replace makes the object
// or changes it in place; a delete of what is not there is OK. A kind that the
// kernel does not have is NotFound.
class TrafficControl {
 public:
  virtual ~TrafficControl() = default;

  // At the root. One with other parameters goes with all its classes.
  virtual absl::Status ReplaceHtb(int device, uint32_t handle, uint32_t default_minor) = 0;
  virtual absl::Status ReplaceHtbClass(int device, const HtbClass& htb) = 0;
  virtual absl::Status ReplaceTbf(int device, uint32_t parent, uint32_t handle,
                                  const TbfParameters& tbf) = 0;
  virtual absl::Status ReplaceBfifo(int device, uint32_t parent, uint32_t handle,
                                    uint32_t limit_bytes) = 0;
  // Drops everything.
  virtual absl::Status ReplaceBlackhole(int device, uint32_t parent, uint32_t handle) = 0;
  virtual absl::Status ReplaceFq(int device, uint32_t parent, uint32_t handle,
                                 const FqParameters& fq) = 0;

  // Deletes with all below it; what was queued there is dropped.
  virtual absl::Status DeleteQdisc(int device, uint32_t parent) = 0;
  virtual absl::Status DeleteClass(int device, uint32_t id) = 0;

  virtual absl::StatusOr<std::vector<Qdisc>> Qdiscs(int device) = 0;
  virtual absl::StatusOr<std::vector<HtbClassState>> HtbClasses(int device) = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_TC_INTERFACE_H_
