// Which slot of the gate is which side of which link.
#ifndef SLUICE_DATAPATH_TC_SLOT_NAMES_H_
#define SLUICE_DATAPATH_TC_SLOT_NAMES_H_

#include <cstdint>
#include <map>
#include <optional>

#include "absl/status/statusor.h"
#include "datapath/tc/gate_kernel.h"
#include "model/names.h"

namespace sluice {

// A mirror of the kernel's map of names. A side keeps its slot, and with it its
// cumulative counters, as long as the maps live, also while it has no route:
// a count must not go backwards within a boot nonce. Not thread-safe.
class SlotNames {
 public:
  // Reads the names that an earlier process left. `kernel` must outlive this object.
  void Load(GateKernel* kernel);

  std::optional<uint32_t> Find(const LinkSide& side) const;
  // The side of a slot in use.
  std::optional<LinkSide> SideOf(uint32_t slot) const;
  // The side's slot; a new one is closed. ResourceExhausted when all are taken.
  absl::StatusOr<uint32_t> FindOrAdd(const LinkSide& side);
  const std::map<LinkSide, uint32_t>& all() const { return slots_; }

 private:
  GateKernel* kernel_ = nullptr;
  std::map<LinkSide, uint32_t> slots_;
  uint32_t next_ = 1;  // slots are handed out in order, none is given back
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_SLOT_NAMES_H_
