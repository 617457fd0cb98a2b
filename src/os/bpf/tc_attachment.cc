#include "os/bpf/tc_attachment.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <net/if.h>

#include "base/status.h"
#include "base/strings.h"
#include "os/bpf/bpf_object.h"
#include "os/bpf/tcx_attachment.h"

namespace sluice {
namespace {

bpf_tc_hook Hook(int index, TcDirection direction) {
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = index;
  hook.attach_point = direction == TcDirection::kIngress ? BPF_TC_INGRESS : BPF_TC_EGRESS;
  return hook;
}

bpf_tc_opts Place() {
  bpf_tc_opts options{};
  options.sz = sizeof(options);
  options.handle = kTcHandle;
  options.priority = kTcPriority;
  return options;
}

std::string_view Name(TcDirection direction) {
  return direction == TcDirection::kIngress ? "ingress" : "egress";
}

absl::Status AttachError(int error, const std::string& device, TcDirection direction,
                         std::string_view what) {
  return ErrnoStatus(
      -error, StrCat(what, " at ", Name(direction), " of ", device, ": ", TakeLibbpfWarnings()));
}

// Whether an error of a query or detach says that there is nothing to be found:
// no clsact, or no filter in the place.
bool IsAbsent(int error) { return error == -ENOENT || error == -EINVAL || error == -ENODEV; }

}  // namespace

absl::StatusOr<int> DeviceIndex(const std::string& device) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index != 0) return static_cast<int>(index);
  return absl::NotFoundError(StrCat("there is no network device ", ForMessage(device),
                                    " in this network namespace; check the name with \"ip link\""));
}

absl::Status AttachTc(const std::string& device, TcDirection direction, int program_fd) {
  SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(device));
  SLUICE_ASSIGN_OR_RETURN(const uint32_t wanted, ProgramId(program_fd));
  TakeLibbpfWarnings();
  bpf_tc_hook hook = Hook(index, direction);
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
    return AttachError(error, device, direction,
                       "adding clsact (needs root and a kernel with CONFIG_NET_SCH_INGRESS)");
  bpf_tc_opts place = Place();
  place.prog_fd = program_fd;
  place.flags = BPF_TC_F_REPLACE;
  if (const int error = bpf_tc_attach(&hook, &place); error != 0)
    return AttachError(error, device, direction,
                       "attaching the gate (needs CONFIG_NET_CLS_BPF; an \"ingress\" qdisc or a "
                       "foreign filter of priority 1 on the device must be removed first)");
  SLUICE_ASSIGN_OR_RETURN(const uint32_t attached, AttachedProgramId(device, direction));
  if (attached != wanted)
    return absl::InternalError(StrCat("program ", attached, " instead of ", wanted,
                                      " is attached at ", Name(direction), " of ", device));
  return AttachTcx(device, direction, program_fd);
}

absl::StatusOr<uint32_t> AttachedProgramId(const std::string& device, TcDirection direction) {
  SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(device));
  TakeLibbpfWarnings();
  bpf_tc_hook hook = Hook(index, direction);
  bpf_tc_opts place = Place();
  const int error = bpf_tc_query(&hook, &place);
  if (error == 0) return place.prog_id;
  if (IsAbsent(error))
    return absl::NotFoundError(
        StrCat("no gate program is attached at ", Name(direction), " of ", device));
  return AttachError(error, device, direction, "asking for the attached program");
}

absl::Status DetachTc(const std::string& device, TcDirection direction, const std::string& name) {
  SLUICE_RETURN_IF_ERROR(DetachTcx(device, direction, name));
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) return absl::OkStatus();
  TakeLibbpfWarnings();
  bpf_tc_hook hook = Hook(static_cast<int>(index), direction);
  bpf_tc_opts place = Place();
  const int error = bpf_tc_detach(&hook, &place);
  if (error == 0 || IsAbsent(error)) return absl::OkStatus();
  return AttachError(error, device, direction, "detaching the gate");
}

absl::Status RemoveClsact(const std::string& device) {
  const unsigned index = if_nametoindex(device.c_str());
  if (index == 0) return absl::OkStatus();
  TakeLibbpfWarnings();
  bpf_tc_hook hook{};
  hook.sz = sizeof(hook);
  hook.ifindex = static_cast<int>(index);
  hook.attach_point = static_cast<bpf_tc_attach_point>(BPF_TC_INGRESS | BPF_TC_EGRESS);
  const int error = bpf_tc_hook_destroy(&hook);
  if (error == 0 || IsAbsent(error)) return absl::OkStatus();
  return ErrnoStatus(-error, StrCat("removing clsact of ", device, ": ", TakeLibbpfWarnings()));
}

}  // namespace sluice
