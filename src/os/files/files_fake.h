// Files in memory, with failures on demand.
#ifndef SLUICE_OS_FILES_FILES_FAKE_H_
#define SLUICE_OS_FILES_FILES_FAKE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "os/files/files_interface.h"

namespace sluice {

class FilesFake final : public Files {
 public:
  absl::StatusOr<std::string> Read(const std::string& path, size_t limit) override;
  absl::Status WriteDurably(const std::string& path, std::string_view data) override;
  absl::Status WriteControl(const std::string& path, std::string_view data) override;
  absl::Status Remove(const std::string& path) override;
  absl::Status MakeDirectory(const std::string& path) override;
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override;
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override;

  // From now on every writing call (also Remove and MakeDirectory) fails with
  // `status`, until it is set to OK.
  void FailWrites(absl::Status status) { write_failure_ = std::move(status); }

  // What is there, for tests to read, plant and damage. Control files (see
  // WriteControl) must be planted before they can be written.
  std::map<std::string, std::string> files;

 private:
  absl::Status write_failure_;
  std::set<std::string> directories_;
  std::shared_ptr<std::set<std::string>> locked_ = std::make_shared<std::set<std::string>>();
};

}  // namespace sluice

#endif  // SLUICE_OS_FILES_FILES_FAKE_H_
