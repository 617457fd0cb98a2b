// Encrypted tunnels between machines.
#ifndef SLUICE_TUNNEL_TUNNEL_INTERFACE_H_
#define SLUICE_TUNNEL_TUNNEL_INTERFACE_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "base/units.h"
#include "model/link_epoch.h"
#include "model/names.h"
#include "model/prefix.h"

namespace sluice {

struct TunnelPeer {
  PublicKey key{};                   // names the peer; with WireGuard its public key
  std::optional<Endpoint> endpoint;  // none: learnt from the peer's first packet
  std::vector<IpPrefix> allowed;     // inner addresses the peer may use
  absl::Duration keepalive;          // zero: none
  // What the peer's packets are accepted under: two while one follows the other. The
  // control tunnel's peers have none.
  std::vector<TunnelEpoch> epochs;
  // What is sent under: the number of one of `epochs`. 0: nothing is sent yet.
  uint64_t send_epoch = 0;
};

// When the tunnel itself must stop, should nobody be there to stop it. Counted from the
// call, rounded up to what the backend can count, inner bytes.
struct TunnelLimits {
  Bytes volume;
  absl::Duration lifetime;
};

struct TunnelPeerState {
  TunnelPeer peer;              // of `epochs` only the numbers and SPIs, as far as they are known
  uint64_t received_bytes = 0;  // outer, as the tunnel counts them
  uint64_t sent_bytes = 0;
  std::optional<absl::Time> last_handshake;
};

struct TunnelConfig {
  Secret32 private_key;      // zero: keep the one the device has, fail if it has none
  uint16_t listen_port = 0;  // UDP; 0: any
  uint32_t mark = 0;         // fwmark on what the tunnel sends
  int mtu = 0;               // of the inner packets; 0: leave
  // Addresses and routes are the caller's, by RouteTable.
};

// One tunnel device of this machine. Not thread-safe. It outlives this object
// and the process: only Destroy takes it away.
class Tunnel {
 public:
  virtual ~Tunnel() = default;

  virtual const std::string& device() const = 0;
  // "wireguard (kernel)" or "wireguard (wireguard-go)", and why.
  virtual const std::string& backend() const = 0;
  virtual const std::string& backend_reason() const = 0;

  // Applies the configuration, brings the device up, reads back.
  virtual absl::Status Configure(const TunnelConfig& config) = 0;
  virtual absl::StatusOr<PublicKey> public_key() = 0;

  // Adds the peer or replaces all its settings. An epoch that it had and `peer` has not
  // is removed, its keys with it; OK only when a read-back no longer shows it.
  // FailedPrecondition if only new epochs can help.
  virtual absl::Status SetPeer(const TunnelPeer& peer) = 0;
  // Bounds what is sent to the peer (`role` is kSend) or accepted from it. Does nothing
  // where the backend cannot.
  virtual absl::Status Limit(const PublicKey& key, Role role, const TunnelLimits& limits) = 0;
  // Removes the peer and its keys; OK only when a read-back no longer shows it.
  virtual absl::Status RemovePeer(const PublicKey& key) = 0;
  virtual absl::StatusOr<std::vector<TunnelPeerState>> Peers() = 0;
  // Whether Peers() tells the numbers of a peer's epochs: then one that is missing there has
  // come to its end, by a limit or by somebody's hand, and cannot come back.
  virtual bool tells_epochs() const { return false; }

  virtual absl::Status Destroy() = 0;
};

// Makes or takes over a tunnel device. Thread-safe.
class TunnelFactory {
 public:
  virtual ~TunnelFactory() = default;
  // Takes over `device` if it exists, else makes it: in the kernel if the
  // kernel can, else with wireguard-go. `adopted` tells which happened.
  struct Opened {
    std::unique_ptr<Tunnel> tunnel;
    bool adopted = false;
  };
  virtual absl::StatusOr<Opened> Open(const std::string& device) = 0;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_TUNNEL_INTERFACE_H_
