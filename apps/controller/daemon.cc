#include "apps/controller/daemon.h"

#include <unistd.h>

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/ascii.h"
#include "apps/controller/control_tunnel.h"
#include "apps/controller/state_directory.h"
#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "controller/api/agent_server.h"
#include "controller/api/sessions.h"
#include "controller/grants/control_net.h"
#include "controller/grants/engine.h"
#include "controller/web/rest_server.h"
#include "os/files/files.h"
#include "os/netlink/route_table.h"
#include "os/process/process.h"
#include "spdlog/spdlog.h"
#include "tunnel/wireguard/wireguard_tunnel.h"

namespace sluice {
namespace {

// What the core asks for, done: messages by the sessions, peers by the tunnel.
class ControllerOutside final : public Outside {
 public:
  ControllerOutside(Sessions& sessions, ControlTunnel& tunnel)
      : sessions_(sessions), tunnel_(tunnel) {}
  void Send(const std::string& node, agent::v1::ControllerMessage message) override {
    sessions_.Send(node, std::move(message));
  }
  void EndSession(const std::string& node, uint64_t session, const absl::Status& reason) override {
    sessions_.End(node, session, reason);
  }
  absl::Status SyncControlPeers(const std::vector<ControlPeer>& peers) override {
    return tunnel_.Sync(peers);
  }

 private:
  Sessions& sessions_;
  ControlTunnel& tunnel_;
};

std::string MachineBoot(Files& files) {
  const auto id = files.Read("/proc/sys/kernel/random/boot_id", 64);
  return id.ok() ? std::string(ToStd(absl::StripAsciiWhitespace(*id))) : "";
}

CoreConfig CoreConfigOf(const ControllerFlags& flags, const ControllerState& state, Files& files) {
  CoreConfig config;
  config.fleet = flags.fleet;
  config.signing_seed = state.signing_seed;
  config.heartbeat = flags.heartbeat;
  config.clock_rate_error = flags.clock_rate_error;
  config.enforcement_delay = flags.enforcement_delay;
  config.token_lifetime = flags.token_lifetime;
  config.session_timeout = std::max(absl::Seconds(3), 10 * flags.heartbeat);
  config.dark_node = flags.dark_node == "ignore"       ? DarkNode::kIgnore
                     : flags.dark_node == "quarantine" ? DarkNode::kQuarantine
                                                       : DarkNode::kSuspend;
  config.tunnel = flags.tunnel == "xfrm" ? TunnelKind::kXfrm : TunnelKind::kWireguard;
  config.key_lifetime = flags.key_lifetime;
  config.key_volume = flags.key_volume;
  config.endpoint = flags.endpoint;
  config.control_key = X25519PublicKey(state.control_key);
  config.grpc_port = flags.grpc_port;
  config.machine_boot = MachineBoot(files);
  return config;
}

RestConfig RestConfigOf(const ControllerFlags& flags, const ControllerState& state) {
  RestConfig config;
  config.listen = flags.api_listen;
  config.listen_fd = flags.api_fd;
  config.admin_token = state.admin_token;
  config.fleet = flags.fleet;
  config.version = SLUICE_VERSION;
  config.heartbeat = flags.heartbeat;
  return config;
}

// Until the word to stop comes: false. True if the control tunnel's device is gone, since
// someone deleted it or its wireguard-go died: then the controller must start anew.
bool WaitForStop(RouteTable& routes, const std::string& device, const StopWait& wait) {
  while (!wait(absl::Seconds(1))) {
    if (!absl::IsNotFound(routes.Device(device).status())) continue;
    spdlog::error("the control tunnel's device {} is gone; starting anew", device);
    return true;
  }
  return false;
}

// What `wait` returned.
absl::StatusOr<bool> Serve(const ControllerFlags& flags, Files& files, ControllerState& state,
                           ControlTunnel& tunnel, const std::function<bool()>& wait) {
  SystemClock clock;
  SLUICE_ASSIGN_OR_RETURN(
      const std::unique_ptr<ControllerCore> core,
      ControllerCore::Create(CoreConfigOf(flags, state, files), *state.store, clock));
  // A device that was taken over has its peers before anybody is served.
  SLUICE_RETURN_IF_ERROR(tunnel.Sync(core->ControlPeers()));
  Sessions sessions;
  ControllerOutside outside(sessions, tunnel);
  Engine engine(*core, outside, clock);
  engine.Start();
  const absl::Cleanup stop_engine = [&] { engine.Stop(); };

  AgentServerConfig agents;
  agents.listen = Endpoint{ControllerAddress(), flags.grpc_port};
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<AgentServer> agent_server,
                          AgentServer::Start(agents, engine, sessions));
  const absl::Cleanup stop_agents = [&] { agent_server->Stop(); };
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<RestServer> rest_server,
                          RestServer::Start(RestConfigOf(flags, state), engine, clock));
  const absl::Cleanup stop_rest = [&] { rest_server->Stop(); };

  const std::string ready = flags.run_directory + "/ready";
  SLUICE_RETURN_IF_ERROR(files.WriteDurably(ready, StrCat("api_port=", rest_server->port(), "\n")));
  const absl::Cleanup not_ready = [&] { (void)files.Remove(ready); };
  std::fprintf(stderr, "sluice-controller ready\n");
  const bool again = wait();
  spdlog::info("stopping");
  return again;
}

// One life; true if another must follow.
absl::StatusOr<bool> RunOnce(const ControllerFlags& flags, const StopWait& wait) {
  SystemFiles files;
  SLUICE_RETURN_IF_ERROR(files.MakeDirectory(flags.run_directory));
  SLUICE_RETURN_IF_ERROR(files.Remove(flags.run_directory + "/ready"));
  SLUICE_ASSIGN_OR_RETURN(ControllerState state, OpenState(files, flags.state_directory));
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<RtnetlinkRouteTable> routes,
                          RtnetlinkRouteTable::Open());
  PosixProcessRunner runner;
  WireguardTunnelFactory factory(runner);
  ControlTunnel::Config config{flags.control_device, flags.control_port, state.control_key};
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<ControlTunnel> tunnel,
                          ControlTunnel::Open(factory, *routes, config));
  absl::StatusOr<bool> again = Serve(flags, files, state, *tunnel, [&] {
    return WaitForStop(*routes, flags.control_device, wait);
  });
  const absl::Status gone = tunnel->Destroy();
  if (!gone.ok()) spdlog::warn("control tunnel: {}", std::string(gone.message()));
  return again;
}

}  // namespace

absl::Status RunController(const ControllerFlags& flags, const StopWait& wait) {
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const bool again, RunOnce(flags, wait));
    if (!again) return absl::OkStatus();
  }
}

}  // namespace sluice
