#include "apps/agent/commands.h"

#include <pthread.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "absl/strings/ascii.h"
#include "agent/apply/agent_core.h"
#include "agent/apply/boot.h"
#include "agent/apply/identity_store.h"
#include "agent/apply/node_setup.h"
#include "agent/session/agent_loop.h"
#include "agent/session/control_session.h"
#include "agent/session/enrol_client.h"
#include "agent/session/join.h"
#include "agent/session/probe_watch.h"
#include "agent/session/tamper_watch.h"
#include "apps/agent/resolve.h"
#include "apps/agent/tamper_options.h"
#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "datapath/tc/tc_datapath.h"
#include "datapath/tc/tc_shaper.h"
#include "os/files/files.h"
#include "os/netlink/route_table.h"
#include "os/packet/packet.h"
#include "os/process/process.h"
#include "tunnel/wireguard/wireguard_tunnel.h"
#include "tunnel/xfrm/xfrm_tunnel.h"

namespace sluice {
namespace {

constexpr size_t kQueued = 8192;
constexpr size_t kTokenLimit = 4096;
constexpr char kTunnelFile[] = "/tunnel";  // in the state directory
constexpr size_t kTunnelLimit = 64;

// Everything of this machine that the commands work with.
struct Machine {
  SystemClock clock;
  SystemFiles files;
  PosixProcessRunner processes;
  std::unique_ptr<RouteTable> routes;
  std::unique_ptr<TunnelFactory> tunnels;
  std::unique_ptr<TunnelFactory> xfrm;
  std::unique_ptr<Datapath> datapath;
  std::unique_ptr<FileLock> lock;

  NodeSetup Setup(const AgentFlags& flags, TunnelKind kind) {
    NodePorts ports = flags.ports;
    ports.tunnel_kind = kind;
    return NodeSetup(std::move(ports), {*routes, *tunnels, files, xfrm.get()});
  }
};

absl::Status MakeDirectory(Files& files, const std::string& path, std::string_view flag) {
  return Annotate(files.MakeDirectory(path),
                  StrCat(flag, " ", path, " cannot be used; name another directory"));
}

absl::StatusOr<std::unique_ptr<FileLock>> LockRunDirectory(const AgentFlags& flags, Files& files) {
  SLUICE_RETURN_IF_ERROR(MakeDirectory(files, flags.run_directory, "--run-dir"));
  auto lock = files.Lock(flags.run_directory + "/lock");
  if (!absl::IsUnavailable(lock.status())) return lock;
  return absl::FailedPreconditionError(
      StrCat("another sluice-agent is running with --run-dir ", flags.run_directory,
             "; stop it first, or give this one directories, devices and ports of its own"));
}

absl::StatusOr<std::unique_ptr<Machine>> OpenMachine(const AgentFlags& flags) {
  auto machine = std::make_unique<Machine>();
  SLUICE_ASSIGN_OR_RETURN(machine->lock, LockRunDirectory(flags, machine->files));
  SLUICE_ASSIGN_OR_RETURN(machine->routes, RtnetlinkRouteTable::Open());
  machine->tunnels = std::make_unique<WireguardTunnelFactory>(machine->processes);
  machine->xfrm = std::make_unique<XfrmTunnelFactory>(machine->files, flags.run_directory + "/xfrm",
                                                      machine->clock);
  SLUICE_ASSIGN_OR_RETURN(auto shaper, TcShaper::Open());
  machine->datapath = std::make_unique<TcDatapath>(std::move(shaper), machine->clock);
  return machine;
}

// What the controller said last; until then what every node can do.
TunnelKind LastTunnelKind(const AgentFlags& flags, Files& files) {
  const auto text = files.Read(flags.state_directory + kTunnelFile, kTunnelLimit);
  if (!text.ok()) return TunnelKind::kWireguard;
  return ParseTunnelKind(ToStd(absl::StripAsciiWhitespace(*text))).value_or(TunnelKind::kWireguard);
}

absl::Status KeepTunnelKind(const AgentFlags& flags, Files& files, TunnelKind kind) {
  return files.WriteDurably(flags.state_directory + kTunnelFile, TunnelKindName(kind) + "\n");
}

// The link tunnel that this life stands on.
struct LinkTunnel {
  TunnelKind wanted = TunnelKind::kWireguard;
  TunnelKind kind = TunnelKind::kWireguard;
  std::string fault;  // why kind is not what is wanted
  std::unique_ptr<Tunnel> tunnel;
};

// A node that cannot do what its fleet wants opens the other kind, on which nothing will
// pass, so that its gate stands and it can say why.
absl::StatusOr<LinkTunnel> OpenLinkTunnel(const AgentFlags& flags, Machine& machine) {
  LinkTunnel link;
  link.wanted = link.kind = LastTunnelKind(flags, machine.files);
  auto tunnel = machine.Setup(flags, link.kind).OpenLinkTunnel();
  if (!tunnel.ok() && link.wanted == TunnelKind::kXfrm) {
    link.fault =
        StrCat("the fleet's links are encrypted by xfrm: ", ToStd(tunnel.status().message()));
    link.kind = TunnelKind::kWireguard;
    tunnel = machine.Setup(flags, link.kind).OpenLinkTunnel();
  }
  SLUICE_RETURN_IF_ERROR(tunnel.status());
  link.tunnel = *std::move(tunnel);
  return link;
}

absl::StatusOr<std::string> Token(const AgentFlags& flags, Files& files) {
  if (!flags.token.empty()) return flags.token;
  return files.Read(flags.token_file, kTokenLimit);
}

absl::StatusOr<Enrolment> JoinWith(const AgentFlags& flags, Machine& machine, NodeSetup& setup,
                                   IdentityStore& store) {
  SLUICE_ASSIGN_OR_RETURN(const std::string token, Token(flags, machine.files));
  SLUICE_ASSIGN_OR_RETURN(Enrolment enrolment,
                          Join(token, setup, store, ResolveEndpoint, CallEnrol));
  spdlog::info("joined fleet {} as {} in enclosure {}", ForMessage(enrolment.fleet), enrolment.node,
               ForMessage(enrolment.enclosure));
  return enrolment;
}

absl::StatusOr<Enrolment> EnrolmentOrJoin(const AgentFlags& flags, Machine& machine,
                                          NodeSetup& setup, IdentityStore& store) {
  absl::StatusOr<Enrolment> enrolment = store.Load();
  if (absl::IsNotFound(enrolment.status()) && !flags.token_file.empty()) {
    return JoinWith(flags, machine, setup, store);
  }
  return enrolment;
}

absl::StatusOr<NodeSetup::ControlTunnel> ControlOf(const Enrolment& enrolment,
                                                   const NodeKeys& keys) {
  NodeSetup::ControlTunnel control;
  control.private_key = keys.control;
  control.address = enrolment.control_address;
  control.controller_key = enrolment.controller_key;
  SLUICE_ASSIGN_OR_RETURN(control.endpoint, ResolveEndpoint(enrolment.endpoint));
  control.controller_address = enrolment.controller.address;
  return control;
}

AgentCoreConfig CoreConfigOf(const AgentFlags& flags, const Enrolment& enrolment,
                             const NodeKeys& keys, Booted booted, const LinkTunnel& link) {
  AgentCoreConfig config;
  config.fleet = enrolment.fleet;
  config.node = enrolment.node;
  config.identity = keys.identity;
  config.lease_key = enrolment.lease_key;
  config.boot_nonce = booted.nonce;
  config.version = SLUICE_VERSION;
  config.run_directory = flags.run_directory;
  config.state_directory = flags.state_directory;
  config.integrity_is_tamper = flags.integrity_is_tamper;
  config.clocks = ReadClocks;
  config.fabric_ports = flags.ports.fabric_ports;
  config.tunnel_port = flags.ports.tunnel_port;
  config.choices = std::move(booted.choices);
  config.tunnel = link.wanted;
  config.tunnel_fault = link.fault;
  config.choices.push_back({"tunnel", link.tunnel->backend(),
                            link.fault.empty() ? link.tunnel->backend_reason() : link.fault});
  return config;
}

void Random(std::span<uint8_t> out) { RandomBytes(out); }

Prober::Config ProberConfigOf(const AgentFlags& flags, const Enrolment& enrolment,
                              const NodeKeys& keys) {
  return {enrolment.fleet,     enrolment.node,           keys.identity,
          enrolment.lease_key, flags.ports.fabric_ports, Random};
}

// Starts gate and core; a run directory that makes no sense costs the leases
// at the gate, never safety.
absl::StatusOr<std::unique_ptr<AgentCore>> StartCore(const AgentFlags& flags, Machine& machine,
                                                     NodeSetup& setup, const Enrolment& enrolment,
                                                     const NodeKeys& keys, const LinkTunnel& link) {
  const DatapathConfig gate = setup.datapath_config();
  SLUICE_ASSIGN_OR_RETURN(Booted booted, StartDatapath(machine.files, flags.run_directory,
                                                       *machine.datapath, gate, Random));
  const AgentCore::Parts parts{machine.clock, *machine.datapath, *link.tunnel, *machine.routes,
                               machine.files};
  const bool adopted = booted.adopted;
  auto core = std::make_unique<AgentCore>(
      CoreConfigOf(flags, enrolment, keys, std::move(booted), link), parts);
  const absl::Status started = core->Start();
  if (started.ok()) {
    spdlog::info(adopted ? "took over the gate of an earlier run; its leases run on"
                         : "the gate is up; all is denied until leases come");
    SLUICE_RETURN_IF_ERROR(setup.Open(/*keep_routes=*/adopted));
    return core;
  }
  if (!absl::IsDataLoss(started)) return started;
  spdlog::error("{}; closing everything and starting as after a reboot", started.ToString());
  SLUICE_ASSIGN_OR_RETURN(
      booted, StartNewBoot(machine.files, flags.run_directory, *machine.datapath, gate, Random));
  core = std::make_unique<AgentCore>(CoreConfigOf(flags, enrolment, keys, std::move(booted), link),
                                     parts);
  SLUICE_RETURN_IF_ERROR(core->Start());
  SLUICE_RETURN_IF_ERROR(setup.Open(/*keep_routes=*/false));
  return core;
}

// Turns SIGTERM and SIGINT into a stop event. Made before all other threads,
// which inherit that these signals are blocked.
class StopSignals {
 public:
  explicit StopSignals(AgentQueue& queue) : queue_(queue) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    thread_ = std::thread([this, set] {
      int signal = 0;
      sigwait(&set, &signal);
      // A queue that is full is of no use to anyone who stops.
      if (!queue_.Push({})) queue_.Close();
    });
  }
  ~StopSignals() {
    pthread_kill(thread_.native_handle(), SIGINT);
    thread_.join();
  }
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

 private:
  AgentQueue& queue_;
  std::thread thread_;
};

void ShakeHandsAnew(Tunnel& tunnel, const NodeSetup::ControlTunnel& control) {
  absl::Status s = tunnel.RemovePeer(control.controller_key);
  if (s.ok()) s = tunnel.SetPeer(ControllerPeer(control));
  if (!s.ok()) spdlog::warn("control tunnel: {}", s.ToString());
}

}  // namespace

absl::Status JoinCommand(const AgentFlags& flags) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine, OpenMachine(flags));
  NodeSetup setup = machine->Setup(flags, LastTunnelKind(flags, machine->files));
  SLUICE_RETURN_IF_ERROR(setup.CheckPorts());
  SLUICE_RETURN_IF_ERROR(MakeDirectory(machine->files, flags.state_directory, "--state-dir"));
  IdentityStore store(machine->files, flags.state_directory);
  return JoinWith(flags, *machine, setup, store).status();
}

namespace {

// The next life finds the mark.
void NoteLost(const absl::Status& lost, Machine& machine, AgentCore& core) {
  AgentCore::Outbox out;
  core.OnTamper({"tunnel", std::string(lost.message()), machine.clock.Now()}, out);
}

// The next life opens what the fleet wants now.
absl::Status CheckTunnelKind(const AgentFlags& flags, Machine& machine, const LinkTunnel& link,
                             const AgentCore& core) {
  const TunnelKind wanted = core.fleet_tunnel();
  if (wanted == link.wanted) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(KeepTunnelKind(flags, machine.files, wanted));
  return absl::AbortedError(
      StrCat("the fleet's links are to be encrypted by ", TunnelKindName(wanted)));
}

// One life of the agent. True when its tunnels were taken from under it: a new life makes
// them anew and takes the gate over. False when it was told to stop.
absl::StatusOr<bool> RunOnce(const AgentFlags& flags) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine, OpenMachine(flags));
  NodeSetup joining = machine->Setup(flags, TunnelKind::kWireguard);
  SLUICE_RETURN_IF_ERROR(joining.CheckPorts());
  SLUICE_RETURN_IF_ERROR(MakeDirectory(machine->files, flags.state_directory, "--state-dir"));
  IdentityStore store(machine->files, flags.state_directory);
  SLUICE_ASSIGN_OR_RETURN(const Enrolment enrolment,
                          EnrolmentOrJoin(flags, *machine, joining, store));
  SLUICE_ASSIGN_OR_RETURN(const NodeKeys keys, store.Keys());
  SLUICE_ASSIGN_OR_RETURN(const LinkTunnel link, OpenLinkTunnel(flags, *machine));
  NodeSetup setup = machine->Setup(flags, link.kind);
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<AgentCore> core,
                          StartCore(flags, *machine, setup, enrolment, keys, link));
  SLUICE_ASSIGN_OR_RETURN(const NodeSetup::ControlTunnel control, ControlOf(enrolment, keys));
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Tunnel> control_tunnel,
                          setup.OpenControlTunnel(control));

  AgentQueue queue(kQueued);
  const StopSignals stop(queue);
  SystemFiles sensor_files;
  SLUICE_ASSIGN_OR_RETURN(TamperWatch::Sources sources,
                          OpenTamperSources(flags, machine->clock, sensor_files));
  TamperWatch watch(std::move(sources), machine->clock, [&queue](TamperSource::Found found) {
    // An event waits for nothing; faults are no reason to push others out.
    const bool urgent = !found.events.empty();
    AgentEvent event{std::nullopt, std::move(found)};
    (void)(urgent ? queue.PushFirst(std::move(event)) : queue.Push(std::move(event)));
  });
  SystemPacketPorts packets;
  ProbeWatch probes(
      std::make_unique<Prober>(ProberConfigOf(flags, enrolment, keys), machine->clock, packets),
      machine->clock, [&queue](NodeWiring wiring) {
        return queue.Push({std::nullopt, std::nullopt, std::move(wiring)});
      });
  const auto session = StartControlSession(enrolment.controller, [&queue](SessionEvent event) {
    return queue.Push({std::move(event), std::nullopt});
  });
  AgentLoop loop(
      {machine->clock, *core, queue},
      {.unreachable = [&] { ShakeHandsAnew(*control_tunnel, control); },
       .check =
           [&] {
             const absl::Status lost = setup.CheckTunnels();
             if (!lost.ok() && flags.integrity_is_tamper) NoteLost(lost, *machine, *core);
             if (!lost.ok()) return lost;
             return CheckTunnelKind(flags, *machine, link, *core);
           },
       .readmitted = [&] { watch.Rearm(); },
       .probe_terms = [&](ProbeTerms terms) { probes.SetTerms(std::move(terms)); },
       .measure = [&](const std::string& port, BitRate speed) { probes.Measure(port, speed); }});
  const std::string ready = flags.run_directory + "/ready";
  SLUICE_RETURN_IF_ERROR(machine->files.WriteDurably(ready, StrCat(::getpid(), "\n")));
  spdlog::info("sluice-agent ready: node {} of fleet {}", enrolment.node,
               ForMessage(enrolment.fleet));
  const absl::Status lost = loop.Run(*session);
  queue.Close();
  SLUICE_RETURN_IF_ERROR(machine->files.Remove(ready));
  if (!lost.ok()) {
    spdlog::error("{}; starting anew", ToStd(lost.message()));
    return true;
  }
  spdlog::info("stopping; leases run on to their ends, enforced by the kernel");
  return false;
}

}  // namespace

absl::Status RunCommand(const AgentFlags& flags) {
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const bool again, RunOnce(flags));
    if (!again) return absl::OkStatus();
  }
}

absl::Status LeaveCommand(const AgentFlags& flags) {
  SLUICE_ASSIGN_OR_RETURN(const std::unique_ptr<Machine> machine, OpenMachine(flags));
  // What is there, which need not be what the fleet wanted.
  const auto device = machine->routes->Device(flags.ports.tunnel_device);
  const bool xfrm = device.ok() && device->kind == TunnelKindName(TunnelKind::kXfrm);
  NodeSetup setup = machine->Setup(flags, xfrm ? TunnelKind::kXfrm : TunnelKind::kWireguard);
  IdentityStore store(machine->files, flags.state_directory);
  const absl::Status down = setup.TakeDown(*machine->datapath);
  SLUICE_RETURN_IF_ERROR(EmptyRunDirectory(machine->files, flags.run_directory));
  SLUICE_RETURN_IF_ERROR(down);
  SLUICE_RETURN_IF_ERROR(store.Erase());
  SLUICE_RETURN_IF_ERROR(machine->files.Remove(flags.state_directory + kTunnelFile));
  spdlog::info("left: {} is down, tunnels, gate and keys are gone", flags.ports.accelerator_port);
  return absl::OkStatus();
}

}  // namespace sluice
