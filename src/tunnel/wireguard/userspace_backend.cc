#include "tunnel/wireguard/userspace_backend.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>

#include "absl/cleanup/cleanup.h"
#include "absl/time/clock.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr timeval kAnswerTimeout{5, 0};
constexpr size_t kMaxAnswer = 256 << 20;  // a million peers
constexpr absl::Duration kPatience = absl::Seconds(5);
constexpr absl::Duration kPoll = absl::Milliseconds(10);

absl::StatusOr<int> Connect(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path)) {
    return absl::InvalidArgumentError(StrCat("socket path too long: ", path));
  }
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return ErrnoStatus(errno, "making a unix socket");
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout));
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &kAnswerTimeout, sizeof(kAnswerTimeout));
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) return fd;
  const int error = errno;
  close(fd);
  return ErrnoStatus(error, StrCat("connecting to wireguard-go at ", path));
}

absl::Status SendAll(int fd, std::string_view data) {
  while (!data.empty()) {
    const ssize_t sent = send(fd, data.data(), data.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return ErrnoStatus(errno, "writing to wireguard-go");
    data.remove_prefix(static_cast<size_t>(sent));
  }
  return absl::OkStatus();
}

// Whether any UDP socket of this thread's network namespace has `port`.
bool UdpPortInUse(uint16_t port) {
  for (const char* path : {"/proc/thread-self/net/udp", "/proc/thread-self/net/udp6"}) {
    std::ifstream table(path);
    std::string line, slot, local;
    std::getline(table, line);  // headings
    while (table >> slot >> local && std::getline(table, line)) {
      const size_t colon = local.find(':');
      if (colon == std::string::npos) continue;
      unsigned value = 0;
      std::from_chars(local.data() + colon + 1, local.data() + local.size(), value, 16);
      if (value == port) return true;
    }
  }
  return false;
}

}  // namespace

bool UserspaceWireguard::Answers() const {
  absl::StatusOr<int> fd = Connect(socket_path_);
  if (fd.ok()) close(*fd);
  return fd.ok();
}

void UserspaceWireguard::RemoveStaleSocket() const {
  if (!Answers()) unlink(socket_path_.c_str());
}

absl::StatusOr<SecretText> UserspaceWireguard::Ask(std::string_view request) const {
  SLUICE_ASSIGN_OR_RETURN(const int fd, Connect(socket_path_));
  absl::Cleanup close_socket = [fd] { close(fd); };
  SLUICE_RETURN_IF_ERROR(SendAll(fd, request));
  SecretText answer;
  std::array<char, 16384> buffer;
  absl::Cleanup wipe = [&] { Wipe(buffer.data(), buffer.size()); };
  size_t size = 0;
  for (;;) {
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, "waiting for wireguard-go's answer");
    if (got == 0) return answer;
    answer.Append(std::string_view(buffer.data(), static_cast<size_t>(got)));
    size += static_cast<size_t>(got);
    if (answer.view().ends_with("\n\n")) return answer;
    if (size > kMaxAnswer) return absl::ResourceExhaustedError("wireguard-go's answer has no end");
  }
}

absl::Status UserspaceWireguard::AskToSet(const SecretText& request) const {
  SLUICE_ASSIGN_OR_RETURN(SecretText answer, Ask(request.view()));
  return ParseUapiResult(answer.view());
}

absl::StatusOr<WireguardState> UserspaceWireguard::Get() {
  SLUICE_ASSIGN_OR_RETURN(SecretText answer, Ask(kUapiGet));
  return ParseUapiState(answer.view());
}

absl::Status UserspaceWireguard::Set(const WireguardChange& change) {
  return AskToSet(UapiSetDevice(change));
}

absl::Status UserspaceWireguard::SetPeer(const TunnelPeer& peer, bool replace_allowed) {
  return AskToSet(UapiSetPeer(peer, replace_allowed));
}

absl::Status UserspaceWireguard::RemovePeer(const PublicKey& key) {
  return AskToSet(UapiRemovePeer(key));
}

absl::Status UserspaceWireguard::CheckPortFree(uint16_t port) {
  SLUICE_ASSIGN_OR_RETURN(WireguardState state, Get());
  if (port == 0 || state.listen_port == port || !UdpPortInUse(port)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("UDP port ", port, " is in use by another program; end it or choose another port"));
}

absl::Status UserspaceWireguard::AwaitListening(uint16_t port) {
  // wireguard-go hears that its device is up a little later, and opens its port then.
  const absl::Time deadline = absl::Now() + kPatience;
  for (;;) {
    SLUICE_ASSIGN_OR_RETURN(WireguardState state, Get());
    const uint16_t actual = state.listen_port;
    if (actual != 0 && (port == 0 || actual == port) && UdpPortInUse(actual)) {
      return absl::OkStatus();
    }
    if (absl::Now() >= deadline) break;
    absl::SleepFor(kPoll);
  }
  return absl::UnavailableError(StrCat("wireguard-go does not listen on UDP port ", port));
}

absl::Status UserspaceWireguard::AwaitGone() {
  const absl::Time deadline = absl::Now() + kPatience;
  while (Answers()) {
    if (absl::Now() >= deadline) {
      return absl::DeadlineExceededError(StrCat("wireguard-go still answers at ", socket_path_,
                                                " although its device is gone; end it"));
    }
    absl::SleepFor(kPoll);
  }
  unlink(socket_path_.c_str());
  return absl::OkStatus();
}

}  // namespace sluice
