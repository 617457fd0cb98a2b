#include "os/files/files_fake.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

class FakeFileLock final : public FileLock {
 public:
  FakeFileLock(std::shared_ptr<std::set<std::string>> locked, std::string path)
      : locked_(std::move(locked)), path_(std::move(path)) {}
  ~FakeFileLock() override { locked_->erase(path_); }

 private:
  std::shared_ptr<std::set<std::string>> locked_;
  std::string path_;
};

}  // namespace

absl::StatusOr<std::string> FilesFake::Read(const std::string& path, size_t limit) {
  const auto it = files.find(path);
  if (it == files.end()) return absl::NotFoundError(StrCat("cannot read ", path));
  if (it->second.size() > limit) {
    return absl::ResourceExhaustedError(
        StrCat(path, " is larger than the ", limit, " bytes it may have"));
  }
  return it->second;
}

absl::Status FilesFake::WriteDurably(const std::string& path, std::string_view data) {
  SLUICE_RETURN_IF_ERROR(Annotate(write_failure_, StrCat("cannot write ", path)));
  files[path] = std::string(data);
  return absl::OkStatus();
}

absl::Status FilesFake::WriteControl(const std::string& path, std::string_view data) {
  SLUICE_RETURN_IF_ERROR(Annotate(write_failure_, StrCat("cannot write ", path)));
  const auto it = files.find(path);
  if (it == files.end()) return absl::NotFoundError(StrCat("cannot write ", path));
  it->second = std::string(data);
  return absl::OkStatus();
}

absl::Status FilesFake::Remove(const std::string& path) {
  SLUICE_RETURN_IF_ERROR(Annotate(write_failure_, StrCat("cannot remove ", path)));
  files.erase(path);
  return absl::OkStatus();
}

absl::Status FilesFake::MakeDirectory(const std::string& path) {
  SLUICE_RETURN_IF_ERROR(Annotate(write_failure_, StrCat("cannot make directory ", path)));
  directories_.insert(path);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> FilesFake::List(const std::string& directory) {
  const std::string prefix = directory + "/";
  std::vector<std::string> names;
  for (auto it = files.lower_bound(prefix); it != files.end() && it->first.starts_with(prefix);
       ++it) {
    std::string name = it->first.substr(prefix.size());
    if (name.find('/') == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

absl::StatusOr<std::unique_ptr<FileLock>> FilesFake::Lock(const std::string& path) {
  if (!locked_->insert(path).second) {
    return absl::UnavailableError(StrCat("another process holds ", path));
  }
  return std::make_unique<FakeFileLock>(locked_, path);
}

}  // namespace sluice
