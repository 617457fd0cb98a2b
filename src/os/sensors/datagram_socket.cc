#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/status.h"
#include "base/strings.h"
#include "os/sensors/sensors.h"
#include "os/sensors/unix_fd.h"

namespace sluice {
namespace {

// One more than any message may have, so that one that is too long is seen as such.
constexpr size_t kMaxDatagram = 1025;

class UnixDatagramSocket final : public DatagramSocket {
 public:
  explicit UnixDatagramSocket(int fd) : fd_(fd) {}
  int fd() const override { return fd_.get(); }
  absl::StatusOr<std::optional<Datagram>> Receive() override;

 private:
  UnixFd fd_;
};

// Nobody's if the kernel did not say whose.
uint32_t SenderOf(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS) continue;
    ucred credentials{};
    std::memcpy(&credentials, CMSG_DATA(c), sizeof credentials);
    return credentials.uid;
  }
  return UINT32_MAX;
}

absl::StatusOr<std::optional<Datagram>> UnixDatagramSocket::Receive() {
  char data[kMaxDatagram];
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
  iovec part{data, sizeof data};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  if (size < 0) return ErrnoStatus(errno, "cannot receive from a tamper socket");
  return Datagram{std::string(data, static_cast<size_t>(size)), SenderOf(message)};
}

absl::Status BindPrivately(int fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return absl::InvalidArgumentError(StrCat(path, " is too long for a socket"));
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0) {
    if (!S_ISSOCK(there.st_mode))
      return absl::AlreadyExistsError(StrCat(path, " is there and is no socket"));
    ::unlink(path.c_str());
  }
  // The socket gets the rights that this descriptor has: none for others at any instant.
  if (::fchmod(fd, 0600) != 0 ||
      ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return ErrnoStatus(errno, StrCat("cannot bind ", path));
  if (::chmod(path.c_str(), 0600) != 0) return ErrnoStatus(errno, StrCat("cannot chmod ", path));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<DatagramSocket>> BindDatagramSocket(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  auto socket = std::make_unique<UnixDatagramSocket>(fd);
  const int on = 1;
  if (fd < 0 || ::setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0)
    return ErrnoStatus(errno, "cannot make a tamper socket");
  SLUICE_RETURN_IF_ERROR(BindPrivately(fd, path));
  return socket;
}

}  // namespace sluice
