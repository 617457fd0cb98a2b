#include "token_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "absl/strings/ascii.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice::ctl {
namespace {

constexpr size_t kMaxTokenSize = 1024;

struct FileCloser {
  int fd;
  ~FileCloser() { close(fd); }
};

absl::Status CheckOwnerAndMode(int fd, const std::string& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return ErrnoStatus(errno, StrCat("token file ", path));
  if (!S_ISREG(info.st_mode))
    return absl::FailedPreconditionError(StrCat("token file ", path, " is not a regular file"));
  if (info.st_uid != geteuid() && info.st_uid != 0)
    return absl::FailedPreconditionError(
        StrCat("token file ", path, " belongs to another user; make a copy that is yours"));
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return absl::FailedPreconditionError(
        StrCat("token file ", path, " is open to other users; close it with: chmod 600 ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> ReadTokenFile(const std::string& path) {
  // O_NONBLOCK, or opening a FIFO would wait for its writer.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return ErrnoStatus(errno, StrCat("cannot read the token file ", path,
                                     " (--token-file or SLUICE_TOKEN_FILE names it)"));
  FileCloser closer{fd};
  SLUICE_RETURN_IF_ERROR(CheckOwnerAndMode(fd, path));
  char buffer[kMaxTokenSize + 1];
  const ssize_t size = read(fd, buffer, sizeof(buffer));
  if (size < 0) return ErrnoStatus(errno, StrCat("cannot read the token file ", path));
  std::string token(absl::StripAsciiWhitespace(absl::string_view(buffer, size)));
  // Anything else could not go into an HTTP header, or would end it early.
  if (token.empty() || static_cast<size_t>(size) > kMaxTokenSize ||
      !std::all_of(token.begin(), token.end(), absl::ascii_isgraph))
    return absl::InvalidArgumentError(
        StrCat("token file ", path,
               " does not hold a token; it should be the admin.token of the "
               "controller's state directory"));
  return token;
}

}  // namespace sluice::ctl
