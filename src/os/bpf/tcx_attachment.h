// Attaching BPF programs to the tcx hooks of network devices (Linux 6.6, kernel/bpf/tcx.c).
// They run before clsact; only what all of them answer with TC_ACT_UNSPEC goes on to it.
#ifndef SLUICE_OS_BPF_TCX_ATTACHMENT_H_
#define SLUICE_OS_BPF_TCX_ATTACHMENT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "os/bpf/tc_attachment.h"

namespace sluice {

// The ids of a hook's programs in the order in which they run; none on kernels without tcx.
absl::StatusOr<std::optional<std::vector<uint32_t>>> TcxPrograms(const std::string& device,
                                                                 TcDirection direction);

// Puts a program into the place of the one with its name, in one step, or before all
// others. Does nothing on kernels without tcx.
absl::Status AttachTcx(const std::string& device, TcDirection direction, int program_fd);

// Takes away the programs of this name. OK if there is none, or no such device.
absl::Status DetachTcx(const std::string& device, TcDirection direction, const std::string& name);

}  // namespace sluice

#endif  // SLUICE_OS_BPF_TCX_ATTACHMENT_H_
