// What else is on the hooks that the gate stands on.
#ifndef SLUICE_DATAPATH_TC_CLSACT_H_
#define SLUICE_DATAPATH_TC_CLSACT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "os/bpf/tc_attachment.h"

namespace sluice {

// Fails if something on this hook may see packets before the gate's program does, and
// could let them pass around it: a clsact filter of its priority, or, on kernels with
// tcx, anything else that is first there.
absl::Status CheckNothingBefore(const std::string& device, TcDirection direction,
                                uint32_t program_id);

// Removes clsact unless filters of others are left on it. OK if there is none.
absl::Status RemoveClsactIfUnused(const std::string& device);

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_CLSACT_H_
