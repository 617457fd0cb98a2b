#include <sys/inotify.h>

#include <cerrno>

#include "base/status.h"
#include "base/strings.h"
#include "os/sensors/sensors.h"
#include "os/sensors/unix_fd.h"

namespace sluice {
namespace {

constexpr uint32_t kChanges = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE |
                              IN_DELETE_SELF | IN_MOVE_SELF;

class InotifyWatch final : public FileWatch {
 public:
  explicit InotifyWatch(int fd) : fd_(fd) {}
  int fd() const override { return fd_.get(); }
  void Drain() override {
    alignas(inotify_event) char events[4096];
    while (::read(fd_.get(), events, sizeof events) > 0) {
    }
  }

 private:
  UnixFd fd_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<FileWatch>> WatchFile(const std::string& path) {
  const int fd = ::inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
  auto watch = std::make_unique<InotifyWatch>(fd);
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos)
    return absl::InvalidArgumentError(StrCat(path, ": a watched file needs a whole path"));
  const std::string directory = path.substr(0, slash == 0 ? 1 : slash);
  // The directory, not the file: a file that is replaced is another inode.
  if (fd < 0 || ::inotify_add_watch(fd, directory.c_str(), kChanges) < 0)
    return ErrnoStatus(errno, StrCat("cannot watch ", directory));
  return watch;
}

}  // namespace sluice
