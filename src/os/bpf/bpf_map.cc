#include "os/bpf/bpf_map.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <filesystem>
#include <system_error>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr char kStandardMount[] = "/sys/fs/bpf";

// The file system type of `path` or of its nearest parent that exists.
int64_t FileSystemType(std::filesystem::path path) {
  struct statfs info;
  while (statfs(path.c_str(), &info) != 0) {
    if (!path.has_parent_path() || path.parent_path() == path) return 0;
    path = path.parent_path();
  }
  return info.f_type;
}

absl::Status NotOnBpfFileSystem(const std::string& directory, std::string_view why) {
  return absl::FailedPreconditionError(StrCat(
      "pin directory ", directory, " is not on a BPF file system", why, "; run \"mount -t bpf bpf ",
      kStandardMount, "\" as root, or choose with --pin-dir ", "a directory below a mounted one"));
}

absl::Status MountStandard(const std::string& directory) {
  if (mount("bpf", kStandardMount, "bpf", MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700") == 0)
    return absl::OkStatus();
  return NotOnBpfFileSystem(directory,
                            StrCat(" and ", ToStd(ErrnoStatus(errno, "mounting one").message())));
}

}  // namespace

BpfFd& BpfFd::operator=(BpfFd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

BpfFd::~BpfFd() {
  if (fd_ >= 0) close(fd_);
}

absl::StatusOr<BpfMapInfo> GetMapInfo(int map_fd) {
  bpf_map_info info{};
  uint32_t size = sizeof(info);
  if (bpf_obj_get_info_by_fd(map_fd, &info, &size) != 0)
    return ErrnoStatus(errno, "reading what a BPF map is");
  return BpfMapInfo{info.id,         info.type,        info.key_size,
                    info.value_size, info.max_entries, info.map_flags};
}

absl::Status PutElement(int map_fd, const void* key, const void* value) {
  if (bpf_map_update_elem(map_fd, key, value, BPF_ANY) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, errno == ENOSPC ? "BPF map is full" : "writing to a BPF map");
}

absl::Status AddElement(int map_fd, const void* key, const void* value) {
  if (bpf_map_update_elem(map_fd, key, value, BPF_NOEXIST) == 0 || errno == EEXIST)
    return absl::OkStatus();
  return ErrnoStatus(errno, "adding to a BPF map");
}

absl::Status GetElement(int map_fd, const void* key, void* value) {
  if (bpf_map_lookup_elem(map_fd, key, value) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "reading from a BPF map");
}

absl::Status DeleteElement(int map_fd, const void* key) {
  if (bpf_map_delete_elem(map_fd, key) == 0 || errno == ENOENT) return absl::OkStatus();
  return ErrnoStatus(errno, "deleting from a BPF map");
}

namespace bpf_map_internal {

absl::Status NextKey(int map_fd, const void* key, void* next) {
  if (bpf_map_get_next_key(map_fd, key, next) == 0) return absl::OkStatus();
  return ErrnoStatus(errno, "listing a BPF map");
}

}  // namespace bpf_map_internal

absl::StatusOr<BpfArray> BpfArray::Map(int map_fd, size_t element_size) {
  SLUICE_ASSIGN_OR_RETURN(BpfMapInfo info, GetMapInfo(map_fd));
  if (info.type != BPF_MAP_TYPE_ARRAY || info.value_size != element_size || element_size % 8 != 0)
    return absl::FailedPreconditionError(
        StrCat("BPF map is no array of elements of ", element_size, " bytes"));
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const size_t bytes = (element_size * info.max_entries + page - 1) / page * page;
  void* data = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, map_fd, 0);
  if (data == MAP_FAILED) return ErrnoStatus(errno, "mapping a BPF array into memory");
  BpfArray array;
  array.data_ = data;
  array.bytes_ = bytes;
  array.entries_ = info.max_entries;
  return array;
}

BpfArray::BpfArray(BpfArray&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      bytes_(std::exchange(other.bytes_, 0)),
      entries_(std::exchange(other.entries_, 0)) {}

BpfArray& BpfArray::operator=(BpfArray&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(bytes_, other.bytes_);
  std::swap(entries_, other.entries_);
  return *this;
}

BpfArray::~BpfArray() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

absl::Status PreparePinDirectory(const std::string& directory) {
  const bool standard = directory.starts_with(StrCat(kStandardMount, "/"));
  if (FileSystemType(directory) != BPF_FS_MAGIC) {
    if (!standard) return NotOnBpfFileSystem(directory, "");
    SLUICE_RETURN_IF_ERROR(MountStandard(directory));
  }
  std::error_code error;
  std::filesystem::create_directories(directory, error);
  if (error) return ErrnoStatus(error.value(), StrCat("creating pin directory ", directory));
  if (chmod(directory.c_str(), 0700) != 0)
    return ErrnoStatus(errno, StrCat("making pin directory ", directory, " private"));
  return absl::OkStatus();
}

absl::Status Pin(int fd, const std::string& path) {
  SLUICE_RETURN_IF_ERROR(Unpin(path));
  if (bpf_obj_pin(fd, path.c_str()) != 0) return ErrnoStatus(errno, StrCat("pinning ", path));
  return absl::OkStatus();
}

absl::StatusOr<BpfFd> OpenPin(const std::string& path) {
  const int fd = bpf_obj_get(path.c_str());
  if (fd < 0) return ErrnoStatus(errno, StrCat("opening pinned ", path));
  return BpfFd(fd);
}

absl::Status Unpin(const std::string& path) {
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return ErrnoStatus(errno, StrCat("removing pinned ", path));
  return absl::OkStatus();
}

}  // namespace sluice
