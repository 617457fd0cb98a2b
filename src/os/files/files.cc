#include "os/files/files.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::string_view kTemporarySuffix = ".sluice-tmp";

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  int fd_;
};

class SystemFileLock final : public FileLock {
 public:
  explicit SystemFileLock(Descriptor fd) : fd_(std::move(fd)) {}

 private:
  Descriptor fd_;
};

std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

absl::Status WriteAll(int fd, std::string_view data, const std::string& path) {
  while (!data.empty()) {
    const ssize_t n = ::write(fd, data.data(), data.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, StrCat("cannot write ", path));
    data.remove_prefix(static_cast<size_t>(n));
  }
  return absl::OkStatus();
}

// Makes the name itself durable: a rename lives in the directory.
absl::Status SyncDirectory(const std::string& directory) {
  Descriptor fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid() || ::fsync(fd.get()) != 0) {
    return ErrnoStatus(errno, StrCat("cannot sync directory ", directory));
  }
  return absl::OkStatus();
}

absl::Status WriteAndSync(const std::string& path, std::string_view data) {
  Descriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, StrCat("cannot write ", path));
  // A file left by an earlier run may have other rights than open() would give.
  if (::fchmod(fd.get(), 0600) != 0) return ErrnoStatus(errno, StrCat("cannot chmod ", path));
  SLUICE_RETURN_IF_ERROR(WriteAll(fd.get(), data, path));
  if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, StrCat("cannot sync ", path));
  return absl::OkStatus();
}

bool IsDirectory(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

}  // namespace

namespace {

absl::StatusOr<std::string> ReadAll(const Descriptor& fd, const std::string& path, size_t limit) {
  std::string data;
  char buffer[4096];
  while (true) {
    const ssize_t n = ::read(fd.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ErrnoStatus(errno, StrCat("cannot read ", path));
    if (n == 0) return data;
    if (data.size() + static_cast<size_t>(n) > limit) {
      return absl::ResourceExhaustedError(
          StrCat(path, " is larger than the ", limit, " bytes it may have"));
    }
    data.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

absl::StatusOr<std::string> SystemFiles::Read(const std::string& path, size_t limit) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, StrCat("cannot read ", path));
  return ReadAll(fd, path, limit);
}

absl::StatusOr<std::string> ReadPrivateFile(const std::string& path, size_t limit) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  struct stat st {};
  if (!fd.valid() || ::fstat(fd.get(), &st) != 0) {
    return ErrnoStatus(errno, StrCat("cannot read ", path));
  }
  const bool owned = st.st_uid == 0 || st.st_uid == ::geteuid();
  if (!S_ISREG(st.st_mode) || !owned || (st.st_mode & 077) != 0) {
    return absl::PermissionDeniedError(
        StrCat(path, " must be a file of root's that nobody else may read: chmod 600 ", path));
  }
  return ReadAll(fd, path, limit);
}

absl::Status SystemFiles::WriteDurably(const std::string& path, std::string_view data) {
  const std::string temporary = StrCat(path, kTemporarySuffix);
  if (absl::Status s = WriteAndSync(temporary, data); !s.ok()) {
    ::unlink(temporary.c_str());
    return s;
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary.c_str());
    return ErrnoStatus(error, StrCat("cannot replace ", path));
  }
  return SyncDirectory(DirectoryOf(path));
}

absl::Status SystemFiles::WriteControl(const std::string& path, std::string_view data) {
  Descriptor fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.valid()) return ErrnoStatus(errno, StrCat("cannot write ", path));
  return WriteAll(fd.get(), data, path);
}

absl::Status SystemFiles::Remove(const std::string& path) {
  if (::unlink(path.c_str()) == 0) return SyncDirectory(DirectoryOf(path));
  if (errno == ENOENT || errno == ENOTDIR) return absl::OkStatus();
  return ErrnoStatus(errno, StrCat("cannot remove ", path));
}

absl::Status SystemFiles::MakeDirectory(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST && !IsDirectory(part)) {
      return ErrnoStatus(errno, StrCat("cannot make directory ", part));
    }
    if (slash == std::string::npos) break;
  }
  if (!IsDirectory(path)) {
    return absl::FailedPreconditionError(StrCat(path, " is not a directory"));
  }
  // access() says yes to root on a read-only file system's mode bits only; W_OK
  // does report EROFS.
  if (::access(path.c_str(), W_OK | X_OK) != 0) {
    return ErrnoStatus(errno, StrCat("cannot write to directory ", path));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<std::string>> SystemFiles::List(const std::string& directory) {
  std::vector<std::string> names;
  DIR* dir = ::opendir(directory.c_str());
  if (dir == nullptr) {
    if (errno == ENOENT) return names;
    return ErrnoStatus(errno, StrCat("cannot list ", directory));
  }
  while (const dirent* entry = ::readdir(dir)) {
    const std::string name = entry->d_name;
    struct stat st {};
    if (name.ends_with(kTemporarySuffix)) continue;
    if (::fstatat(::dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISREG(st.st_mode)) names.push_back(name);
  }
  ::closedir(dir);
  std::sort(names.begin(), names.end());
  return names;
}

absl::StatusOr<std::unique_ptr<FileLock>> SystemFiles::Lock(const std::string& path) {
  Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd.valid()) return ErrnoStatus(errno, StrCat("cannot open lock file ", path));
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) {
      return absl::UnavailableError(StrCat("another process holds ", path));
    }
    return ErrnoStatus(errno, StrCat("cannot lock ", path));
  }
  return std::make_unique<SystemFileLock>(std::move(fd));
}

}  // namespace sluice
