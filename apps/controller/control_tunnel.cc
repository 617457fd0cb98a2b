#include "apps/controller/control_tunnel.h"

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/control_net.h"
#include "spdlog/spdlog.h"

namespace sluice {

absl::StatusOr<std::unique_ptr<ControlTunnel>> ControlTunnel::Open(TunnelFactory& factory,
                                                                   RouteTable& routes,
                                                                   const Config& config) {
  SLUICE_ASSIGN_OR_RETURN(TunnelFactory::Opened opened, factory.Open(config.device));
  std::unique_ptr<ControlTunnel> control(new ControlTunnel(std::move(opened.tunnel)));
  Tunnel& tunnel = *control->tunnel_;
  spdlog::info("control tunnel {} by {}: {}{}", config.device, tunnel.backend(),
               tunnel.backend_reason(), opened.adopted ? "; taken over" : "");
  TunnelConfig settings;
  settings.private_key = config.private_key;
  settings.listen_port = config.port;
  absl::Status status = tunnel.Configure(settings);
  if (status.ok())
    status = routes.AddAddress(config.device, {ControllerAddress(), kControlPrefixLength});
  if (status.ok()) return control;
  if (!opened.adopted) (void)tunnel.Destroy();
  return Annotate(status, StrCat("control tunnel ", config.device));
}

absl::Status ControlTunnel::Sync(const std::vector<ControlPeer>& wanted) {
  std::map<PublicKey, IpPrefix> missing;
  for (const ControlPeer& peer : wanted) missing[peer.key] = IpPrefix{peer.address, 128};
  SLUICE_ASSIGN_OR_RETURN(const std::vector<TunnelPeerState> there, tunnel_->Peers());
  for (const TunnelPeerState& state : there) {
    const auto it = missing.find(state.peer.key);
    if (it != missing.end() && state.peer.allowed == std::vector<IpPrefix>{it->second}) {
      missing.erase(it);
    } else if (it == missing.end()) {
      SLUICE_RETURN_IF_ERROR(tunnel_->RemovePeer(state.peer.key));
    }
  }
  for (const auto& [key, address] : missing) {
    TunnelPeer peer;
    peer.key = key;
    peer.allowed = {address};
    SLUICE_RETURN_IF_ERROR(tunnel_->SetPeer(peer));
  }
  return absl::OkStatus();
}

}  // namespace sluice
