// Tunnels in memory, for tests of the agent and the controller.
#ifndef SLUICE_TUNNEL_FAKE_TUNNEL_FAKE_H_
#define SLUICE_TUNNEL_FAKE_TUNNEL_FAKE_H_

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tunnel/tunnel_interface.h"

namespace sluice {

// What stands for a device in the kernel: it lives on when a TunnelFake goes.
struct TunnelDeviceFake {
  bool exists = true;
  TunnelConfig config;  // as last configured
  std::map<PublicKey, TunnelPeerState> peers;
  std::map<std::pair<PublicKey, Role>, TunnelLimits> limits;  // as last set
  // If not OK, every call but Destroy returns it and does nothing.
  absl::Status fail_with;
  bool tells_epochs = false;
  int removals = 0;  // of peers that were there
};

// Not thread-safe; the test must not touch the device while a call runs.
class TunnelFake final : public Tunnel {
 public:
  TunnelFake(std::string name, std::shared_ptr<TunnelDeviceFake> device)
      : name_(std::move(name)), fake_(std::move(device)) {}

  const std::string& device() const override { return name_; }
  const std::string& backend() const override { return backend_; }
  const std::string& backend_reason() const override { return reason_; }
  absl::Status Configure(const TunnelConfig& config) override;
  absl::StatusOr<PublicKey> public_key() override;
  absl::Status SetPeer(const TunnelPeer& peer) override;
  absl::Status Limit(const PublicKey& key, Role role, const TunnelLimits& limits) override;
  absl::Status RemovePeer(const PublicKey& key) override;
  absl::StatusOr<std::vector<TunnelPeerState>> Peers() override;
  bool tells_epochs() const override { return fake_->tells_epochs; }
  absl::Status Destroy() override;

 private:
  absl::Status Check() const;

  const std::string name_;
  const std::string backend_ = "fake";
  const std::string reason_ = "a test asked for it";
  const std::shared_ptr<TunnelDeviceFake> fake_;
};

// Thread-safe, the devices that it gives out are not.
class TunnelFactoryFake final : public TunnelFactory {
 public:
  // If not OK, Open returns it.
  absl::Status fail_with;

  absl::StatusOr<Opened> Open(const std::string& device) override;
  // The device of that name, or null if it was never opened or is destroyed.
  std::shared_ptr<TunnelDeviceFake> device(const std::string& name) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::shared_ptr<TunnelDeviceFake>> devices_;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_FAKE_TUNNEL_FAKE_H_
