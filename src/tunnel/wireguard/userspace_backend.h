// WireGuard by wireguard-go, over its unix socket.
#ifndef SLUICE_TUNNEL_WIREGUARD_USERSPACE_BACKEND_H_
#define SLUICE_TUNNEL_WIREGUARD_USERSPACE_BACKEND_H_

#include <string>
#include <string_view>

#include "tunnel/wireguard/uapi.h"
#include "tunnel/wireguard/wireguard_backend.h"

namespace sluice {

// Where wireguard-go puts its sockets; compiled into it.
inline constexpr char kWireguardSocketDirectory[] = "/var/run/wireguard";

class UserspaceWireguard final : public WireguardBackend {
 public:
  explicit UserspaceWireguard(const std::string& device)
      : socket_path_(std::string(kWireguardSocketDirectory) + "/" + device + ".sock") {}

  const std::string& socket_path() const { return socket_path_; }
  // Whether somebody listens on the socket. The path does not know network
  // namespaces: it may be another namespace's device of the same name.
  bool Answers() const;
  // Removes a socket that nobody listens on any more.
  void RemoveStaleSocket() const;

  absl::StatusOr<WireguardState> Get() override;
  absl::Status Set(const WireguardChange& change) override;
  absl::Status SetPeer(const TunnelPeer& peer, bool replace_allowed) override;
  absl::Status RemovePeer(const PublicKey& key) override;
  absl::Status CheckPortFree(uint16_t port) override;
  absl::Status AwaitListening(uint16_t port) override;
  absl::Status AwaitGone() override;

 private:
  // Sends one request and reads its answer, on a connection of its own.
  absl::StatusOr<SecretText> Ask(std::string_view request) const;
  absl::Status AskToSet(const SecretText& request) const;

  std::string socket_path_;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_WIREGUARD_USERSPACE_BACKEND_H_
