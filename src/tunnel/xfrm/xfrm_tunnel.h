// A Tunnel by the kernel's IPsec: an xfrm interface, ESP in tunnel mode (RFC 4303) with
// AES-256-GCM (RFC 4106) and extended sequence numbers.
//
// The kernel drops what the interface sends without a policy and an SA, and what comes out of
// an SA without a policy that wants this very SA for its inner source address. So a peer
// cannot use another's addresses, and a missing key means silence.
//
// A packet becomes at most 77 bytes longer: IPv6 40, ESP 8, IV 8, padding 3, trailer 2, tag 16.
#ifndef SLUICE_TUNNEL_XFRM_XFRM_TUNNEL_H_
#define SLUICE_TUNNEL_XFRM_XFRM_TUNNEL_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "os/files/files_interface.h"
#include "os/netlink/route_interface.h"
#include "os/netlink/xfrm_interface.h"
#include "tunnel/tunnel_interface.h"
#include "tunnel/xfrm/xfrm_book.h"
#include "tunnel/xfrm/xfrm_kernel.h"
#include "tunnel/xfrm/xfrm_peer_plan.h"

namespace sluice {

// Every call begins by comparing the kernel with the tunnel's book, a file. An SA or policy
// of this interface that the book does not explain ends in the removal of all of them, and
// in an error: somebody else has had a hand in it.
class XfrmTunnel final : public Tunnel {
 public:
  struct Parts {
    std::shared_ptr<RouteTable> routes;
    std::shared_ptr<Xfrm> xfrm;
    Files& files;
    const Clock& clock;  // its wall clock must be the kernel's, which counts lifetimes by it
  };
  // `book` is what the kernel has; `path` is where it is kept from now on.
  XfrmTunnel(std::string device, std::string reason, std::string path, XfrmBook book, Parts parts);

  const std::string& device() const override { return device_; }
  const std::string& backend() const override { return backend_; }
  const std::string& backend_reason() const override { return reason_; }
  // Takes mark and MTU; private key and port have no meaning here.
  absl::Status Configure(const TunnelConfig& config) override;
  // Not a key: 32 random bytes by which peers know this tunnel. They stay with the device.
  absl::StatusOr<PublicKey> public_key() override;

  // Wants an endpoint the first time; its port is only kept. All epochs stand in the kernel
  // for both directions, and the policies choose by SPI which one sends; those before
  // send_epoch can only receive. What is left of the limits of the SAs before them holds
  // for new ones.
  //
  // Epoch numbers of a peer only rise, until it is removed. Keys never serve two SAs, not even one
  // after the other, since its packet numbers begin anew: an epoch that has ended, by a limit or by
  // a failure of this call, cannot come back, and when the outer addresses change
  // (FailedPrecondition) all epochs must be new ones.
  absl::Status SetPeer(const TunnelPeer& peer) override;
  // Bounds each SA of that direction that packets can take. The kernel counts whole seconds:
  // an SA ends up to two seconds late and up to one packet for each processor above the
  // volume. It counts them on the wall clock, so setting that back delays the end.
  absl::Status Limit(const PublicKey& key, Role role, const TunnelLimits& limits) override;
  absl::Status RemovePeer(const PublicKey& key) override;
  // Of inner bytes: the kernel counts no others. ESP has no handshake; what stands there is
  // when the newest epoch was installed.
  absl::StatusOr<std::vector<TunnelPeerState>> Peers() override;
  bool tells_epochs() const override { return true; }
  absl::Status Destroy() override;

  // Removes every SA and policy of the interface; OK when none is left.
  absl::Status Flush();
  // Flushes and fails if the kernel has what the book has not.
  absl::Status Check();

 private:
  absl::StatusOr<XfrmKernel> Read();
  absl::Status Save();
  absl::Status RemoveAll();
  absl::Status RemoveAllOf(const XfrmBook::Peer& peer);
  // The steps of SetPeer, in xfrm_set_peer.cc.
  absl::Status Install(const XfrmPeerPlan& plan, const XfrmKernel& kernel);
  absl::Status AddSas(const XfrmPeerPlan& plan);
  absl::Status SwitchPolicies(const XfrmPeerPlan& plan, const XfrmKernel& kernel);
  absl::Status Retire(const XfrmPeerPlan& plan);
  absl::Status ReadBack(const XfrmPeerPlan& plan);

  const std::string device_;
  const std::string backend_ = "xfrm (kernel)";
  const std::string reason_;
  const std::string path_;
  XfrmBook book_;
  const Parts parts_;
  std::optional<uint32_t> mark_;  // none: not configured yet
};

// Makes XfrmTunnels in the network namespace of the calling thread.
class XfrmTunnelFactory final : public TunnelFactory {
 public:
  struct Openers {
    std::function<absl::StatusOr<std::shared_ptr<RouteTable>>()> routes;
    std::function<absl::StatusOr<std::shared_ptr<Xfrm>>()> xfrm;
  };
  // `directory` keeps what the kernel cannot, no keys; it should be on a tmpfs that goes with
  // the kernel's state. `files` must be safe to use from several threads. Both references
  // must live as long as this and its tunnels.
  XfrmTunnelFactory(Files& files, std::string directory, const Clock& clock);
  XfrmTunnelFactory(Files& files, std::string directory, const Clock& clock, Openers openers);

  // FailedPrecondition, in words, if the kernel lacks xfrm interfaces, ESP, AES-GCM or
  // extended sequence numbers: it has each do what is needed and looks at the result.
  // An xfrm interface that is not a tunnel of ours is not touched.
  absl::StatusOr<Opened> Open(const std::string& device) override;
  // The same on a device that goes again; what it returns on success is the reason.
  absl::StatusOr<std::string> Probe();

 private:
  struct Kernel {
    std::shared_ptr<RouteTable> routes;
    std::shared_ptr<Xfrm> xfrm;
  };
  absl::StatusOr<Kernel> OpenKernel() const;
  absl::StatusOr<Opened> Make(const std::string& device, const Kernel& kernel);
  absl::StatusOr<Opened> Adopt(const NetDevice& device, const Kernel& kernel);
  std::string PathOf(const std::string& device) const;

  Files& files_;
  const std::string directory_;
  const Clock& clock_;
  const Openers openers_;
};

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_XFRM_TUNNEL_H_
