// What the gate asks of the shaper on the link tunnel's device.
#ifndef SLUICE_DATAPATH_TC_SHAPER_INTERFACE_H_
#define SLUICE_DATAPATH_TC_SHAPER_INTERFACE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/units.h"
#include "bpf/gate_abi.h"
#include "datapath/datapath_interface.h"

namespace sluice {

// The words of a slot's virtual clock that the shaper chooses; gate_abi.h says
// what they mean. Nanoseconds of the lease's rate.
struct ShaperWords {
  uint64_t burst_ns = 0;
  uint64_t queue_ns = 0;
  uint64_t mark_ns = 0;
  uint64_t room_ns = 0;
  BitRate rate = {};  // of the clock: the lease's or a little less; 0: the lease's
};

// Not thread-safe. The shaper owns the root qdisc of one device; the gate's
// programs on that device's clsact are none of its business.
class Shaper {
 public:
  virtual ~Shaper() = default;

  struct Started {
    sluice_shaper_mode mode = SLUICE_SHAPER_CLOSED;
    Choice choice;  // name "shaper"
  };
  // `wanted`: "auto", "edt" or "htb". Takes over a queue tree of its own kind
  // that is already there, without losing what is queued, or builds it anew.
  virtual absl::StatusOr<Started> Start(const std::string& device, const std::string& wanted) = 0;

  // Makes the slot's queue (a class SLUICE_CLASS(slot) in HTB mode) send at
  // `rate` with `burst`, and returns the words for the gate. Called before the
  // gate opens the slot or raises its rate; idempotent.
  virtual absl::StatusOr<ShaperWords> Apply(uint32_t slot, BitRate rate, Bytes burst) = 0;

  // The slot's queue is no longer needed; the gate has closed the slot. What is
  // queued may be dropped. OK if there is none.
  virtual absl::Status Close(uint32_t slot) = 0;

  // Whether the tree, and the class of each slot in `open`, is as Apply left it.
  virtual absl::Status Verify(const std::vector<uint32_t>& open) = 0;

  // Removes the root qdisc. OK if there is none.
  virtual absl::Status Remove() = 0;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_SHAPER_INTERFACE_H_
