#include "controller/web/listen_socket.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <string>

#include "absl/strings/numbers.h"
#include "base/status.h"
#include "base/strings.h"
#include "model/prefix.h"

namespace sluice {
namespace {

constexpr int kBacklog = 64;

union SocketAddress {
  sockaddr any;
  sockaddr_in v4;
  sockaddr_in6 v6;
};

bool IsLoopback(const IpAddress& address) {
  if (!address.v6) return address.bytes[0] == 127;
  static constexpr in6_addr kLoopback = IN6ADDR_LOOPBACK_INIT;
  return std::memcmp(address.bytes.data(), &kLoopback, sizeof(kLoopback)) == 0;
}

struct Where {
  IpAddress address;
  uint16_t port = 0;
};

absl::StatusOr<Where> ParseListen(std::string_view text) {
  const std::string problem = StrCat("cannot serve the operator API at ", ForMessage(text), ": ");
  const size_t colon = text.rfind(':');
  std::string_view host = text.substr(0, colon);
  Where where;
  uint32_t port = 0;
  if (colon == std::string_view::npos || !absl::SimpleAtoi(ToAbsl(text.substr(colon + 1)), &port) ||
      port > 65'535)
    return absl::InvalidArgumentError(
        problem + "it is not ADDRESS:PORT; write for example 127.0.0.1:8080 or [::1]:8080");
  where.port = static_cast<uint16_t>(port);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  absl::StatusOr<IpAddress> address = ParseIpAddress(host);
  if (!address.ok()) return Annotate(address.status(), problem.substr(0, problem.size() - 2));
  if (!IsLoopback(*address))
    return absl::InvalidArgumentError(
        problem +
        "the API has no encryption and is served on loopback only; use 127.0.0.1 or "
        "[::1], and reach it from elsewhere through ssh -L");
  where.address = *address;
  return where;
}

socklen_t ToSocketAddress(const Where& where, SocketAddress& out) {
  std::memset(&out, 0, sizeof(out));
  if (where.address.v6) {
    out.v6.sin6_family = AF_INET6;
    out.v6.sin6_port = htons(where.port);
    std::memcpy(&out.v6.sin6_addr, where.address.bytes.data(), sizeof(out.v6.sin6_addr));
    return sizeof(out.v6);
  }
  out.v4.sin_family = AF_INET;
  out.v4.sin_port = htons(where.port);
  std::memcpy(&out.v4.sin_addr, where.address.bytes.data(), sizeof(out.v4.sin_addr));
  return sizeof(out.v4);
}

std::optional<Where> LocalAddress(int fd) {
  SocketAddress name{};
  socklen_t size = sizeof(name);
  if (getsockname(fd, &name.any, &size) != 0) return std::nullopt;
  Where out;
  if (name.any.sa_family == AF_INET) {
    std::memcpy(out.address.bytes.data(), &name.v4.sin_addr, sizeof(name.v4.sin_addr));
    out.port = ntohs(name.v4.sin_port);
    return out;
  }
  if (name.any.sa_family != AF_INET6) return std::nullopt;
  out.address.v6 = true;
  std::memcpy(out.address.bytes.data(), &name.v6.sin6_addr, sizeof(name.v6.sin6_addr));
  out.port = ntohs(name.v6.sin6_port);
  return out;
}

absl::Status CannotListen(int error, std::string_view address, uint16_t port) {
  const std::string problem = StrCat("cannot serve the operator API at ", address, ": ");
  if (error == EADDRINUSE)
    return absl::AlreadyExistsError(StrCat(problem, "port ", port,
                                           " is in use; end the program that has it (ss -ltnp "
                                           "shows it) or choose another port"));
  return ErrnoStatus(error, StrCat("cannot serve the operator API at ", address));
}

}  // namespace

absl::StatusOr<ListenSocket> ListenOnLoopback(std::string_view address) {
  SLUICE_ASSIGN_OR_RETURN(Where where, ParseListen(address));
  const int family = where.address.v6 ? AF_INET6 : AF_INET;
  FileDescriptor fd(socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid()) return CannotListen(errno, address, where.port);
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  SocketAddress name;
  const socklen_t size = ToSocketAddress(where, name);
  if (bind(fd.get(), &name.any, size) != 0 || listen(fd.get(), kBacklog) != 0)
    return CannotListen(errno, address, where.port);
  std::optional<Where> bound = LocalAddress(fd.get());
  if (!bound) return CannotListen(errno, address, where.port);
  return ListenSocket{std::move(fd), bound->port};
}

absl::StatusOr<ListenSocket> AdoptListening(int fd) {
  const std::string problem = StrCat("cannot serve the operator API on file descriptor ", fd);
  int listening = 0;
  socklen_t size = sizeof(listening);
  if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
    return ErrnoStatus(errno, problem);
  std::optional<Where> where = LocalAddress(fd);
  if (listening == 0 || !where)
    return absl::InvalidArgumentError(problem + ": it is no listening TCP socket");
  if (!IsLoopback(where->address))
    return absl::InvalidArgumentError(
        StrCat(problem, ": it listens on ", where->address.ToString(),
               "; the API has no encryption and is served on loopback only"));
  FileDescriptor own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!own.valid() || fcntl(own.get(), F_SETFL, fcntl(own.get(), F_GETFL) | O_NONBLOCK) != 0)
    return ErrnoStatus(errno, problem);
  return ListenSocket{std::move(own), where->port};
}

}  // namespace sluice
