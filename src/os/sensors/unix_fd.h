// A file descriptor that closes itself.
#ifndef SLUICE_OS_SENSORS_UNIX_FD_H_
#define SLUICE_OS_SENSORS_UNIX_FD_H_

#include <unistd.h>

namespace sluice {

class UnixFd {
 public:
  explicit UnixFd(int fd) : fd_(fd) {}
  ~UnixFd() {
    if (fd_ >= 0) ::close(fd_);
  }
  UnixFd(const UnixFd&) = delete;
  UnixFd& operator=(const UnixFd&) = delete;
  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }

 private:
  const int fd_;
};

}  // namespace sluice

#endif  // SLUICE_OS_SENSORS_UNIX_FD_H_
