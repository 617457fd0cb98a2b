// Files of this machine.
#ifndef SLUICE_OS_FILES_FILES_H_
#define SLUICE_OS_FILES_FILES_H_

#include <memory>
#include <string>
#include <vector>

#include "os/files/files_interface.h"

namespace sluice {

class SystemFiles final : public Files {
 public:
  absl::StatusOr<std::string> Read(const std::string& path, size_t limit) override;
  absl::Status WriteDurably(const std::string& path, std::string_view data) override;
  absl::Status WriteControl(const std::string& path, std::string_view data) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;
};

// Reads a file that only its owner, root or this process's user, may read or write;
// PermissionDenied with words for any other.
absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, size_t limit);

}  // namespace sluice

#endif  // SLUICE_OS_FILES_FILES_H_
