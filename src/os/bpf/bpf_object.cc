#include "os/bpf/bpf_object.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kKeptWarnings = 2000;
constexpr int kNotSupportedByJit = 524;  // the kernel's ENOTSUPP; no user header has it

thread_local std::string warnings;

int KeepWarning(enum libbpf_print_level level, const char* format, va_list arguments) {
  if (level != LIBBPF_WARN) return 0;
  char line[1024];
  const int size = vsnprintf(line, sizeof(line), format, arguments);
  warnings += line;
  if (warnings.size() > kKeptWarnings) warnings.erase(0, warnings.size() - kKeptWarnings);
  return size;
}

[[maybe_unused]] const bool kListening = (libbpf_set_print(KeepWarning), true);

std::string Advice(int error) {
  switch (error) {
    case EPERM:
    case EACCES:
      return "run as root (or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON), and see that no "
             "container or lockdown forbids bpf(2)";
    case ENOSYS:
      return "this kernel has no bpf(2); use one built with CONFIG_BPF_SYSCALL, Linux 5.15 or "
             "newer";
    case ENOMEM:
      return "not enough memory, or too little may be locked; raise \"ulimit -l\" "
             "(LimitMEMLOCK= in a systemd unit)";
    case kNotSupportedByJit:
    case EINVAL:
      return "this kernel does not take the gate; Linux 5.15 or newer is needed (5.18 on arm64, "
             "for atomic operations)";
    default:
      return "see the kernel's words";
  }
}

absl::Status LoadError(int error, std::string_view what) {
  std::string words = TakeLibbpfWarnings();
  return ErrnoStatus(error == kNotSupportedByJit ? EOPNOTSUPP : error,
                     StrCat(what, ": ", Advice(error), words.empty() ? "" : ": ", words));
}

absl::Status SetConstants(bpf_object* object, const std::string& constants) {
  bpf_map* section = bpf_object__find_map_by_name(object, ".rodata");
  size_t size = 0;
  if (section != nullptr) bpf_map__initial_value(section, &size);
  if (size != constants.size())
    return absl::InternalError(StrCat("the BPF object has ", size, " bytes of constants, not ",
                                      constants.size(), "; it was built from other sources"));
  if (bpf_map__set_initial_value(section, constants.data(), size) != 0)
    return LoadError(errno, "setting constants of the BPF object");
  return absl::OkStatus();
}

absl::Status SetMaps(bpf_object* object, const BpfObject::Options& options) {
  for (const auto& [name, entries] : options.max_entries) {
    bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
    if (map == nullptr || bpf_map__set_max_entries(map, entries) != 0)
      return absl::InternalError(StrCat("the BPF object has no map ", name, " to be resized"));
  }
  for (const auto& [name, fd] : options.reuse) {
    bpf_map* map = bpf_object__find_map_by_name(object, name.c_str());
    if (map == nullptr || bpf_map__reuse_fd(map, fd) != 0)
      return LoadError(errno, StrCat("taking over pinned map ", name));
  }
  return absl::OkStatus();
}

absl::StatusOr<bpf_prog_info> ProgramInfo(int program_fd) {
  bpf_prog_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(program_fd, &info, &size) != 0)
    return ErrnoStatus(errno, "reading what a BPF program is");
  return info;
}

}  // namespace

std::string TakeLibbpfWarnings() {
  std::string taken;
  taken.swap(warnings);
  return taken;
}

absl::StatusOr<std::unique_ptr<BpfObject>> BpfObject::Load(std::string_view elf,
                                                           const Options& options) {
  TakeLibbpfWarnings();
  LIBBPF_OPTS(bpf_object_open_opts, open_options, .object_name = "sluice");
  bpf_object* raw = bpf_object__open_mem(elf.data(), elf.size(), &open_options);
  if (raw == nullptr) return LoadError(errno, "reading the embedded BPF object");
  std::unique_ptr<BpfObject> object(new BpfObject(raw));
  if (!options.constants.empty()) SLUICE_RETURN_IF_ERROR(SetConstants(raw, options.constants));
  SLUICE_RETURN_IF_ERROR(SetMaps(raw, options));
  if (const int error = bpf_object__load(raw); error != 0)
    return LoadError(-error, "loading the gate into the kernel");
  return object;
}

BpfObject::~BpfObject() { bpf_object__close(object_); }

absl::StatusOr<int> BpfObject::MapFd(const std::string& name) const {
  const int fd = bpf_object__find_map_fd_by_name(object_, name.c_str());
  if (fd < 0) return absl::InternalError(StrCat("the BPF object has no map ", name));
  return fd;
}

absl::StatusOr<int> BpfObject::ProgramFd(const std::string& name) const {
  const bpf_program* program = bpf_object__find_program_by_name(object_, name.c_str());
  if (program == nullptr)
    return absl::InternalError(StrCat("the BPF object has no program ", name));
  return bpf_program__fd(program);
}

absl::StatusOr<uint32_t> ProgramId(int program_fd) {
  SLUICE_ASSIGN_OR_RETURN(const bpf_prog_info info, ProgramInfo(program_fd));
  return info.id;
}

absl::StatusOr<std::string> ProgramName(int program_fd) {
  SLUICE_ASSIGN_OR_RETURN(const bpf_prog_info info, ProgramInfo(program_fd));
  return std::string(info.name);
}

absl::StatusOr<BpfTestRun> TestRun(int program_fd, std::string_view packet,
                                   const __sk_buff& context, int repeat) {
  BpfTestRun run;
  run.packet.resize(packet.size() + 256);
  __sk_buff in = context;
  LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet.data(), .data_out = run.packet.data(),
              .data_size_in = static_cast<uint32_t>(packet.size()),
              .data_size_out = static_cast<uint32_t>(run.packet.size()), .ctx_in = &in,
              .ctx_out = &run.context, .ctx_size_in = sizeof(in), .ctx_size_out = sizeof(in),
              .repeat = repeat);
  if (bpf_prog_test_run_opts(program_fd, &options) != 0)
    return ErrnoStatus(errno, "running a BPF program on a test packet");
  run.verdict = static_cast<int>(options.retval);
  run.packet.resize(options.data_size_out);
  run.nanoseconds = options.duration;
  return run;
}

}  // namespace sluice
