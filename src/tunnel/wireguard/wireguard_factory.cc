// Which WireGuard: found by trying.
#include <algorithm>
#include <utility>

#include "absl/time/clock.h"
#include "base/status.h"
#include "base/strings.h"
#include "os/netlink/route_table.h"
#include "tunnel/wireguard/kernel_backend.h"
#include "tunnel/wireguard/userspace_backend.h"
#include "tunnel/wireguard/wireguard_tunnel.h"

namespace sluice {
namespace {

constexpr char kKernelName[] = "wireguard (kernel)";
constexpr char kUserspaceName[] = "wireguard (wireguard-go)";
constexpr char kProgram[] = "wireguard-go";
constexpr absl::Duration kStartTimeout = absl::Seconds(15);
constexpr absl::Duration kDying = absl::Seconds(2);
constexpr absl::Duration kDyingPoll = absl::Milliseconds(10);

absl::Status NotStarted(std::string_view why) {
  return absl::FailedPreconditionError(
      StrCat("this kernel has no WireGuard, and wireguard-go ", why));
}

// The last line that is not of the frame in which wireguard-go advertises the
// kernel's WireGuard.
std::string LastWords(std::string_view output) {
  std::string last;
  while (!output.empty()) {
    const size_t end = std::min(output.find('\n'), output.size());
    const std::string_view line = output.substr(0, end);
    output.remove_prefix(std::min(end + 1, output.size()));
    if (line.starts_with("ERROR") || line.starts_with("Failed")) last = std::string(line);
  }
  return last.empty() ? "it gave no reason" : last;
}

// The device, or NotFound. A wireguard-go that is dying takes its device with it: that is
// waited for.
absl::StatusOr<NetDevice> SettledDevice(const std::string& device, RouteTable& routes) {
  const UserspaceWireguard wireguard(device);
  const absl::Time deadline = absl::Now() + kDying;
  for (;;) {
    absl::StatusOr<NetDevice> found = routes.Device(device);
    if (!found.ok() || found->kind != "tun" || wireguard.Answers() || absl::Now() >= deadline) {
      return found;
    }
    absl::SleepFor(kDyingPoll);
  }
}

}  // namespace

WireguardTunnelFactory::WireguardTunnelFactory(ProcessRunner& runner)
    : WireguardTunnelFactory(runner, [] { return RtnetlinkRouteTable::Open(); }) {}

WireguardTunnelFactory::WireguardTunnelFactory(ProcessRunner& runner, OpenRoutes open_routes)
    : runner_(runner), open_routes_(std::move(open_routes)) {}

absl::StatusOr<TunnelFactory::Opened> WireguardTunnelFactory::Open(const std::string& device) {
  SLUICE_ASSIGN_OR_RETURN(std::unique_ptr<RouteTable> routes, open_routes_());
  absl::StatusOr<NetDevice> existing = SettledDevice(device, *routes);
  if (existing.ok()) return Adopt(*existing, std::move(routes));
  if (!absl::IsNotFound(existing.status())) return existing.status();

  absl::Status created = routes->CreateDevice(device, "wireguard");
  if (created.ok()) return OpenKernel(device, std::move(routes), false);
  if (absl::IsUnimplemented(created)) return StartUserspace(device, std::move(routes));
  if (absl::IsPermissionDenied(created)) {
    return absl::PermissionDeniedError(
        StrCat("may not make tunnel device ", device, ": run as root (CAP_NET_ADMIN)"));
  }
  return created;
}

absl::StatusOr<TunnelFactory::Opened> WireguardTunnelFactory::Adopt(
    const NetDevice& device, std::unique_ptr<RouteTable> routes) {
  if (device.kind == "wireguard") return OpenKernel(device.name, std::move(routes), true);
  auto wireguard = std::make_unique<UserspaceWireguard>(device.name);
  if (device.kind == "tun" && wireguard->Answers()) {
    return Opened{
        std::make_unique<WireguardTunnel>(device.name, kUserspaceName, "it was running already",
                                          std::move(routes), std::move(wireguard)),
        true};
  }
  const std::string kind = device.kind.empty() ? "physical" : device.kind;
  return absl::FailedPreconditionError(
      StrCat("network device ", device.name, " (", kind,
             ") exists, but no WireGuard answers for it; remove it (ip link delete ", device.name,
             ") or choose another tunnel device"));
}

absl::StatusOr<TunnelFactory::Opened> WireguardTunnelFactory::OpenKernel(
    const std::string& device, std::unique_ptr<RouteTable> routes, bool adopted) {
  SLUICE_ASSIGN_OR_RETURN(auto wireguard, KernelWireguard::Open(device));
  return Opened{
      std::make_unique<WireguardTunnel>(
          device, kKernelName,
          adopted ? "the device was there already" : "the kernel made a device of kind wireguard",
          std::move(routes), std::move(wireguard)),
      adopted};
}

absl::StatusOr<TunnelFactory::Opened> WireguardTunnelFactory::StartUserspace(
    const std::string& device, std::unique_ptr<RouteTable> routes) {
  auto wireguard = std::make_unique<UserspaceWireguard>(device);
  if (wireguard->Answers()) {
    return absl::AlreadyExistsError(
        StrCat(wireguard->socket_path(), " belongs to a device ", device,
               " in another network namespace; give this one another name"));
  }
  wireguard->RemoveStaleSocket();
  // Without LOG_LEVEL the daemon that it leaves behind is silent, so it fills
  // no log when the network is away and holds none of our descriptors.
  absl::StatusOr<ProcessResult> started = runner_.Run({kProgram, device}, {}, kStartTimeout);
  if (absl::IsNotFound(started.status())) {
    return NotStarted(
        "is not installed; install it: apt-get install -t bookworm-backports wireguard-go");
  }
  SLUICE_RETURN_IF_ERROR(started.status());
  if (started->exit_code != 0) {
    return NotStarted(
        StrCat("did not start (exit code ", started->exit_code, "): ", LastWords(started->output)));
  }
  if (!wireguard->Answers()) return NotStarted("started but does not answer");
  SLUICE_RETURN_IF_ERROR(routes->Device(device).status());
  return Opened{std::make_unique<WireguardTunnel>(device, kUserspaceName,
                                                  "the kernel knows no device of kind wireguard",
                                                  std::move(routes), std::move(wireguard)),
                false};
}

}  // namespace sluice
