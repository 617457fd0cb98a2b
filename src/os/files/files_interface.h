// The few file operations Sluice needs, safe against crashes and wrong rights.
#ifndef SLUICE_OS_FILES_FILES_INTERFACE_H_
#define SLUICE_OS_FILES_FILES_INTERFACE_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// Held while the object lives; the kernel lets go of it when the process dies.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Errors name the path and say what failed. Not thread-safe.
class Files {
 public:
  virtual ~Files() = default;

  // The whole file. NotFound if there is none, ResourceExhausted if it holds
  // more than `limit` bytes, so that no foreign file can eat the memory.
  virtual absl::StatusOr<std::string> Read(const std::string& path, size_t limit) = 0;

  // Replaces the file by `data`, mode 0600. When this returns OK the data and
  // the name are durable; when it fails or the machine stops, the file is
  // wholly old or wholly new.
  virtual absl::Status WriteDurably(const std::string& path, std::string_view data) = 0;

  // Writes into an existing file as it is, for /proc/sys and /sys.
  virtual absl::Status WriteControl(const std::string& path, std::string_view data) = 0;

  // OK if there is no such file.
  virtual absl::Status Remove(const std::string& path) = 0;

  // Makes the directory and its missing parents, mode 0700. OK if it is there
  // and can be written to; the error says if it cannot.
  virtual absl::Status MakeDirectory(const std::string& path) = 0;

  // Names (not paths) of the regular files in a directory, sorted. Empty if
  // the directory does not exist. Leftovers of interrupted writes are not listed.
  virtual absl::StatusOr<std::vector<std::string>> List(const std::string& directory) = 0;

  // Takes the lock that the file stands for, without waiting. Unavailable if
  // another process has it.
  virtual absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_FILES_FILES_INTERFACE_H_
