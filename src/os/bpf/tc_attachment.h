// Attaching BPF programs to the tc hooks of network devices: clsact (tc-bpf(8)), and tcx
// where the kernel has it.
#ifndef SLUICE_OS_BPF_TC_ATTACHMENT_H_
#define SLUICE_OS_BPF_TC_ATTACHMENT_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

enum class TcDirection { kIngress, kEgress };

// Sluice's place on a clsact hook: before every other filter, and always the same,
// so that a restarted process finds what it attached.
inline constexpr uint32_t kTcPriority = 1;
inline constexpr uint32_t kTcHandle = 0x51c;

// The index of a device of this network namespace; NotFound with its name.
absl::StatusOr<int> DeviceIndex(const std::string& device);

// Puts a direct-action program into Sluice's place, in one step for the one
// that may be there: no packet passes between the two. Adds clsact if needed. Where
// there is tcx the program is also the first there: a shorter way for each packet, and
// whoever takes one of the two away meets the other.
absl::Status AttachTc(const std::string& device, TcDirection direction, int program_fd);

// The id of the program in Sluice's place in clsact; NotFound if there is none.
absl::StatusOr<uint32_t> AttachedProgramId(const std::string& device, TcDirection direction);

// Takes the program of this name out of both. OK if the device or program is gone.
absl::Status DetachTc(const std::string& device, TcDirection direction, const std::string& name);

// Removes clsact and every filter on it, of others too. OK if there is none.
absl::Status RemoveClsact(const std::string& device);

}  // namespace sluice

#endif  // SLUICE_OS_BPF_TC_ATTACHMENT_H_
