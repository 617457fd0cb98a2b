// Listening TCP sockets on loopback addresses.
#ifndef SLUICE_CONTROLLER_WEB_LISTEN_SOCKET_H_
#define SLUICE_CONTROLLER_WEB_LISTEN_SOCKET_H_

#include <cstdint>
#include <string_view>

#include "absl/status/statusor.h"
#include "controller/web/file_descriptor.h"

namespace sluice {

struct ListenSocket {
  FileDescriptor fd;  // non-blocking, close-on-exec
  uint16_t port = 0;
};

// Listens at "127.0.0.1:8080", "[::1]:8080" or "localhost:8080"; port 0 takes a
// free one. InvalidArgument for any other address, AlreadyExists if the port is in
// use, PermissionDenied if it needs root.
absl::StatusOr<ListenSocket> ListenOnLoopback(std::string_view address);

// A duplicate of `fd`, which must be a TCP socket that listens on a loopback address.
absl::StatusOr<ListenSocket> AdoptListening(int fd);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_LISTEN_SOCKET_H_
