// Maps in the kernel: descriptors, mappings and pins (bpf(2)).
#ifndef SLUICE_OS_BPF_BPF_MAP_H_
#define SLUICE_OS_BPF_BPF_MAP_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// Owns a descriptor of a BPF object; closes it.
class BpfFd {
 public:
  BpfFd() = default;
  explicit BpfFd(int fd) : fd_(fd) {}
  BpfFd(BpfFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  BpfFd& operator=(BpfFd&& other) noexcept;
  ~BpfFd();
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

struct BpfMapInfo {
  uint32_t id = 0;
  uint32_t type = 0;
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  uint32_t flags = 0;
};
absl::StatusOr<BpfMapInfo> GetMapInfo(int map_fd);

// One element of a map that is no array. Key and Value are the map's own types.
absl::Status PutElement(int map_fd, const void* key, const void* value);
absl::Status AddElement(int map_fd, const void* key, const void* value);  // kept if it is there
absl::Status DeleteElement(int map_fd, const void* key);                  // OK if there is none
// Of a per-CPU map: the values of all possible CPUs, in both of these.
absl::Status GetElement(int map_fd, const void* key, void* value);
template <typename Key, typename Value>
absl::StatusOr<std::vector<std::pair<Key, Value>>> AllElements(int map_fd);

// All elements of a mmap-able array map, as memory shared with the kernel. The
// pages outlive the descriptor. Access words with std::atomic_ref.
class BpfArray {
 public:
  BpfArray() = default;
  // `element_size` must be the map's; a multiple of 8.
  static absl::StatusOr<BpfArray> Map(int map_fd, size_t element_size);
  BpfArray(BpfArray&& other) noexcept;
  BpfArray& operator=(BpfArray&& other) noexcept;
  ~BpfArray();

  uint32_t size() const { return entries_; }
  template <typename T>
  T& At(uint32_t index) const {
    return static_cast<T*>(data_)[index];
  }

 private:
  void* data_ = nullptr;
  size_t bytes_ = 0;
  uint32_t entries_ = 0;
};

// Makes sure that `directory` exists, with mode 0700, on a mounted BPF file
// system. Mounts one at /sys/fs/bpf if the directory is below it and none is
// there. The error says what to mount.
absl::Status PreparePinDirectory(const std::string& directory);

// Pins `fd` at `path`, in place of what may be there.
absl::Status Pin(int fd, const std::string& path);
// NotFound if nothing is pinned there.
absl::StatusOr<BpfFd> OpenPin(const std::string& path);
// OK if nothing is pinned there.
absl::Status Unpin(const std::string& path);

namespace bpf_map_internal {
// The key behind `key` (null: the first); NotFound behind the last.
absl::Status NextKey(int map_fd, const void* key, void* next);
}  // namespace bpf_map_internal

template <typename Key, typename Value>
absl::StatusOr<std::vector<std::pair<Key, Value>>> AllElements(int map_fd) {
  std::vector<std::pair<Key, Value>> elements;
  std::pair<Key, Value> element{};
  const void* last = nullptr;
  while (true) {
    Key next{};
    absl::Status status = bpf_map_internal::NextKey(map_fd, last, &next);
    if (absl::IsNotFound(status)) return elements;
    if (!status.ok()) return status;
    element.first = next;
    last = &element.first;
    status = GetElement(map_fd, last, &element.second);
    if (!status.ok()) return status;
    elements.push_back(element);
  }
}

}  // namespace sluice

#endif  // SLUICE_OS_BPF_BPF_MAP_H_
