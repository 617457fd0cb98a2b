#include "os/bpf/tcx_attachment.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <net/if.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "os/bpf/bpf_map.h"
#include "os/bpf/bpf_object.h"

namespace sluice {
namespace {

// Of linux/bpf.h of Linux 6.6.
constexpr int kTcxIngress = 46;         // BPF_TCX_INGRESS
constexpr int kTcxEgress = 47;          // BPF_TCX_EGRESS
constexpr uint32_t kBefore = 1u << 3;   // BPF_F_BEFORE
constexpr uint32_t kMostPrograms = 64;  // BPF_MPROG_MAX

bpf_attach_type Type(TcDirection direction) {
  return static_cast<bpf_attach_type>(direction == TcDirection::kIngress ? kTcxIngress
                                                                         : kTcxEgress);
}

absl::Status TcxError(int error, std::string_view what, const std::string& device) {
  return ErrnoStatus(error, StrCat(what, " tcx of ", device));
}

struct Program {
  BpfFd fd;
  std::string name;
};

absl::StatusOr<Program> OpenProgram(uint32_t id) {
  Program program{BpfFd(bpf_prog_get_fd_by_id(id)), ""};
  if (program.fd.get() < 0) return ErrnoStatus(errno, StrCat("opening BPF program ", id));
  SLUICE_ASSIGN_OR_RETURN(program.name, ProgramName(program.fd.get()));
  return program;
}

// The hook's programs of this name, first to last.
absl::StatusOr<std::vector<Program>> Named(const std::string& device, TcDirection direction,
                                           const std::string& name) {
  SLUICE_ASSIGN_OR_RETURN(const auto ids, TcxPrograms(device, direction));
  std::vector<Program> found;
  for (const uint32_t id : ids.value_or(std::vector<uint32_t>{})) {
    SLUICE_ASSIGN_OR_RETURN(Program program, OpenProgram(id));
    if (program.name == name) found.push_back(std::move(program));
  }
  return found;
}

}  // namespace

absl::StatusOr<std::optional<std::vector<uint32_t>>> TcxPrograms(const std::string& device,
                                                                 TcDirection direction) {
  SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(device));
  std::vector<uint32_t> ids(kMostPrograms);
  uint32_t count = kMostPrograms;
  // The kernel reads the descriptor's field as the index of the device here.
  if (bpf_prog_query(index, Type(direction), 0, nullptr, ids.data(), &count) != 0) {
    if (errno == EINVAL || errno == EOPNOTSUPP || errno == ENOENT) return std::nullopt;
    return TcxError(errno, "asking for the programs at", device);
  }
  ids.resize(count);
  return ids;
}

absl::Status AttachTcx(const std::string& device, TcDirection direction, int program_fd) {
  SLUICE_ASSIGN_OR_RETURN(const auto ids, TcxPrograms(device, direction));
  if (!ids) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(const uint32_t wanted, ProgramId(program_fd));
  if (std::ranges::find(*ids, wanted) != ids->end()) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(const std::string name, ProgramName(program_fd));
  SLUICE_ASSIGN_OR_RETURN(const auto old, Named(device, direction, name));
  SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(device));
  struct bpf_prog_attach_opts options {};
  options.sz = sizeof(options);
  options.flags = old.empty() ? kBefore : static_cast<uint32_t>(BPF_F_REPLACE);
  if (!old.empty()) options.replace_prog_fd = old.front().fd.get();
  if (bpf_prog_attach_opts(program_fd, index, Type(direction), &options) != 0)
    return TcxError(errno, "attaching the gate to", device);
  return absl::OkStatus();
}

absl::Status DetachTcx(const std::string& device, TcDirection direction, const std::string& name) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(const auto programs, Named(device, direction, name));
  for (const Program& program : programs) {
    const int error = bpf_prog_detach2(program.fd.get(), static_cast<int>(index), Type(direction));
    if (error != 0 && errno != ENOENT && errno != ENODEV)
      return TcxError(errno, "detaching the gate from", device);
  }
  return absl::OkStatus();
}

}  // namespace sluice
