#include "datapath/tc/tc_datapath.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "datapath/gate_words.h"
#include "datapath/tc/clsact.h"
#include "datapath/tc/fabric_counts.h"
#include "os/bpf/tcx_attachment.h"

namespace sluice {
namespace {

absl::Status CheckConfig(const DatapathConfig& config) {
  const auto bad = [](std::string_view what) {
    return absl::InvalidArgumentError(StrCat("datapath: ", what));
  };
  if (config.accelerator_port.empty()) return bad("no accelerator port; name one, such as acc0");
  if (config.fabric_ports.empty()) return bad("no fabric port; name one, such as fab0");
  if (config.tunnel_device.empty()) return bad("no tunnel device");
  if (config.pin_directory.empty()) return bad("no pin directory");
  const bool udp = config.tunnel_transport == TunnelTransport::kUdp;
  if ((udp && config.tunnel_port == 0) || config.control_port == 0)
    return bad("a tunnel port is 0");
  if (udp && config.tunnel_port == config.control_port)
    return bad("both tunnels have the same port");
  if (config.tunnel_mark == 0) return bad("the tunnel mark is 0, which every packet has");
  if ((config.tunnel_mark & SLUICE_MARK_MASK) == SLUICE_MARK)
    return bad("the tunnel mark is one of the gate's own");
  std::set<std::string> devices(config.fabric_ports.begin(), config.fabric_ports.end());
  devices.insert({config.accelerator_port, config.tunnel_device});
  if (devices.size() != config.fabric_ports.size() + 2) return bad("a device has two roles");
  return absl::OkStatus();
}

uint64_t TunnelPortWord(const DatapathConfig& config) {
  return config.tunnel_transport == TunnelTransport::kEsp ? SLUICE_TUNNEL_ESP : config.tunnel_port;
}

absl::Status CheckLease(const LinkSide& side, const GateLease& lease) {
  const auto bad = [&](std::string_view what) {
    return absl::InvalidArgumentError(StrCat("lease on ", side.link.ToString(), ": ", what));
  };
  if (lease.rate < kMinRate || lease.rate > kMaxRate)
    return bad(StrCat("rate ", FormatExact(lease.rate), " is not within ", FormatExact(kMinRate),
                      " and ", FormatExact(kMaxRate)));
  if (lease.volume_limit > kMaxVolume)
    return bad(
        StrCat("volume ", FormatExact(lease.volume_limit), " is above ", FormatExact(kMaxVolume)));
  if (lease.sequence == 0) return bad("sequence 0 stands for no lease");
  return absl::OkStatus();
}

}  // namespace

TcDatapath::TcDatapath(std::unique_ptr<Shaper> shaper, const Clock& clock)
    : shaper_(std::move(shaper)), clock_(clock) {}

std::vector<TcDatapath::Place> TcDatapath::Places() const {
  // The accelerator port last: what it admits must find the rest in place.
  std::vector<Place> places{{config_.tunnel_device, TcDirection::kEgress, "tunnel_egress"}};
  for (const std::string& port : config_.fabric_ports) {
    places.push_back({port, TcDirection::kIngress, "fabric_ingress"});
    places.push_back({port, TcDirection::kEgress, "fabric_egress"});
  }
  places.push_back({config_.accelerator_port, TcDirection::kEgress, "acc_egress"});
  places.push_back({config_.accelerator_port, TcDirection::kIngress, "acc_ingress"});
  return places;
}

absl::Status TcDatapath::CheckStarted() const {
  if (kernel_ != nullptr) return absl::OkStatus();
  return absl::FailedPreconditionError("the datapath has not been started");
}

absl::StatusOr<Datapath::Started> TcDatapath::Start(const DatapathConfig& config) {
  SLUICE_RETURN_IF_ERROR(CheckConfig(config));
  const bool again = kernel_ != nullptr;
  SLUICE_ASSIGN_OR_RETURN(auto kernel,
                          GateKernel::Load({.pin_directory = config.pin_directory}, kernel_.get()));
  config_ = config;
  kernel_ = std::move(kernel);
  auto started = Install();
  // A second start that fails must leave a way to close what the first has opened.
  if (!started.ok() && !again) kernel_ = nullptr;
  return started;
}

absl::StatusOr<Datapath::Started> TcDatapath::Install() {
  // What is attached is closed, but for leases that were taken over.
  SLUICE_RETURN_IF_ERROR(LoadState());
  SLUICE_RETURN_IF_ERROR(SetConfig());
  SLUICE_RETURN_IF_ERROR(CountFabric());
  SLUICE_RETURN_IF_ERROR(AttachAll());
  SLUICE_RETURN_IF_ERROR(kernel_->Pin());
  SLUICE_ASSIGN_OR_RETURN(Choice shaper, StartShaper());
  SLUICE_RETURN_IF_ERROR(Verify());
  Started started;
  started.counters_kept = kernel_->taken_over();
  SLUICE_ASSIGN_OR_RETURN(const auto tcx,
                          TcxPrograms(config_.accelerator_port, TcDirection::kIngress));
  started.choices = {{"gate", tcx ? "eBPF on tcx and clsact" : "eBPF on clsact", kernel_->reason()},
                     std::move(shaper)};
  return started;
}

absl::Status TcDatapath::LoadState() {
  names_.Load(kernel_.get());
  SLUICE_RETURN_IF_ERROR(routes_.Load(kernel_->routes_fd()));
  routed_.clear();
  for (const auto& [key, slot] : routes_.table()) {
    if (GateRoutes::RoleOf(key) == SLUICE_ROUTE_OWN) continue;
    if (const auto side = names_.SideOf(slot)) routed_.insert(*side);
  }
  return absl::OkStatus();
}

absl::Status TcDatapath::SetConfig() {
  SLUICE_ASSIGN_OR_RETURN(const int tunnel, DeviceIndex(config_.tunnel_device));
  sluice_config& words = kernel_->config();
  StoreWord(words.tunnel_ifindex, static_cast<uint64_t>(tunnel));
  StoreWord(words.tunnel_port, TunnelPortWord(config_));
  StoreWord(words.control_port, config_.control_port);
  StoreWord(words.tunnel_mark, config_.tunnel_mark);
  return absl::OkStatus();
}

absl::Status TcDatapath::CountFabric() {
  std::set<uint32_t> indexes;
  for (const std::string& port : config_.fabric_ports) {
    SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(port));
    indexes.insert(static_cast<uint32_t>(index));
  }
  return Annotate(CountPorts(kernel_->fabric_fd(), indexes), "counting on the fabric ports");
}

absl::Status TcDatapath::AttachAll() {
  for (const Place& place : Places()) {
    SLUICE_ASSIGN_OR_RETURN(const int program, kernel_->ProgramFd(place.program));
    SLUICE_RETURN_IF_ERROR(AttachTc(place.device, place.direction, program));
  }
  return absl::OkStatus();
}

absl::StatusOr<Choice> TcDatapath::StartShaper() {
  SLUICE_ASSIGN_OR_RETURN(Shaper::Started started,
                          shaper_->Start(config_.tunnel_device, config_.shaper));
  // Leases that were taken over: the shaper may have had to build its queues
  // anew. One whose queue cannot be had is closed; the rest must go on.
  for (const uint32_t slot : OpenSendSlots()) {
    sluice_slot& words = kernel_->slot(slot);
    const BitRate rate{LoadWord(words.rate_bps)};
    const auto queue = shaper_->Apply(slot, rate, Bytes{LoadWord(words.burst_bytes)});
    if (queue.ok()) continue;
    spdlog::error("closing slot {}, which has no queue: {}", slot, queue.status().ToString());
    CloseSlot(words);
  }
  mode_ = started.mode;
  StoreWord(kernel_->config().shaper_mode, static_cast<uint64_t>(mode_));
  return std::move(started.choice);
}

std::vector<uint32_t> TcDatapath::OpenSendSlots() {
  std::vector<uint32_t> open;
  for (const LinkSide& side : routed_) {
    const auto slot = names_.Find(side);
    if (side.role == Role::kSend && slot && HasLease(kernel_->slot(*slot))) open.push_back(*slot);
  }
  return open;
}

absl::Status TcDatapath::SetOwnPrefixes(const std::vector<IpPrefix>& prefixes) {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  GateRoutes::Table wanted;
  for (const IpPrefix& prefix : prefixes)
    GateRoutes::Add(wanted, RouteKey(SLUICE_ROUTE_OWN, prefix), 1);
  const absl::Status status = routes_.Replace(SLUICE_ROUTE_OWN, SLUICE_ROUTE_OWN, wanted);
  kernel_->NextGeneration();
  return Annotate(status, "setting the node's own prefixes");
}

absl::Status TcDatapath::SetRoutes(const std::vector<GateRoute>& routes) {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  GateRoutes::Table wanted;
  std::set<LinkSide> routed;
  for (const GateRoute& route : routes) {
    SLUICE_ASSIGN_OR_RETURN(const uint32_t slot, names_.FindOrAdd(route.side));
    const bool sends = route.side.role == Role::kSend;
    const uint32_t kept = GateRoutes::Add(
        wanted, RouteKey(sends ? SLUICE_ROUTE_SEND : SLUICE_ROUTE_RECEIVE, route.prefix), slot);
    if (kept != slot)
      return absl::InvalidArgumentError(
          StrCat("prefix ", route.prefix.ToString(), " is routed to ", route.side.link.ToString(),
                 " and to another link; a prefix belongs to one node"));
    routed.insert(route.side);
  }
  std::swap(routed_, routed);
  CloseUnrouted();
  const absl::Status status = routes_.Replace(SLUICE_ROUTE_SEND, SLUICE_ROUTE_RECEIVE, wanted);
  kernel_->NextGeneration();
  return Annotate(status, "setting the gate's routes");
}

// A side that has lost its routes must not stay open: packets that were on
// their way when the routes changed, or a later route, would find it so.
void TcDatapath::CloseUnrouted() {
  for (const auto& [side, slot] : names_.all()) {
    if (routed_.contains(side) || !HasLease(kernel_->slot(slot))) continue;
    CloseSlot(kernel_->slot(slot));
    // A queue that stays behind carries nothing; Verify and Remove still know it.
    if (side.role == Role::kSend) shaper_->Close(slot).IgnoreError();
  }
}

absl::StatusOr<ClockWords> TcDatapath::Shape(uint32_t slot, const LinkSide& side,
                                             const GateLease& lease) {
  if (side.role == Role::kReceive) return ClockWords{};
  SLUICE_ASSIGN_OR_RETURN(const ShaperWords words, shaper_->Apply(slot, lease.rate, lease.burst));
  const BitRate rate = words.rate.bps != 0 ? words.rate : lease.rate;
  return ClockWords{CostQ24(rate), words.burst_ns, words.queue_ns, words.mark_ns, words.room_ns};
}

absl::Status TcDatapath::Apply(const LinkSide& side, const GateLease& lease) {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  SLUICE_RETURN_IF_ERROR(CheckLease(side, lease));
  const auto slot = names_.Find(side);
  if (!slot || !routed_.contains(side))
    return absl::NotFoundError(StrCat("the gate has no route for the ", RoleName(side.role),
                                      " side of ", ForMessage(side.link.ToString())));
  SLUICE_ASSIGN_OR_RETURN(const ClockWords clock, Shape(*slot, side, lease));
  CarryClock(kernel_->slot(*slot), clock, clock_.Now());
  WriteLease(kernel_->slot(*slot), lease, clock);
  return absl::OkStatus();
}

absl::StatusOr<LinkReport> TcDatapath::Close(const LinkSide& side) {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  const auto slot = names_.Find(side);
  if (!slot) {
    // Never had a slot since the counters began, so it has admitted nothing.
    LinkReport report;
    report.side = side;
    report.closed = true;
    return report;
  }
  CloseSlot(kernel_->slot(*slot));
  if (side.role == Role::kSend) SLUICE_RETURN_IF_ERROR(shaper_->Close(*slot));
  LinkReport report = ReadReport(side, kernel_->slot(*slot), kernel_->drops(*slot), clock_.Now());
  report.lease_sequence = LoadWord(kernel_->slot(*slot).sequence);
  return report;
}

absl::StatusOr<Datapath::Reading> TcDatapath::Read() {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  Reading reading;
  reading.links.reserve(routed_.size());
  const BootTime now = clock_.Now();
  for (const LinkSide& side : routed_) {
    const auto slot = names_.Find(side);
    if (slot)
      reading.links.push_back(ReadReport(side, kernel_->slot(*slot), kernel_->drops(*slot), now));
  }
  reading.unattributed = ReadDrops(kernel_->drops(0));
  return reading;
}

absl::StatusOr<std::vector<PortCounts>> TcDatapath::ReadFabric() {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  std::vector<PortCounts> ports;
  for (const std::string& port : config_.fabric_ports) {
    SLUICE_ASSIGN_OR_RETURN(const int index, DeviceIndex(port));
    absl::StatusOr<PortCounts> counts =
        ReadPort(kernel_->fabric_fd(), static_cast<uint32_t>(index));
    if (absl::IsNotFound(counts.status())) continue;  // more ports than the map has room for
    SLUICE_RETURN_IF_ERROR(counts.status());
    counts->port = port;
    ports.push_back(*std::move(counts));
  }
  return ports;
}

absl::Status TcDatapath::SetKillSwitch(bool on) {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  StoreWord(kernel_->config().kill_switch, on ? 1 : 0);
  return absl::OkStatus();
}

absl::Status TcDatapath::Verify() {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  SLUICE_RETURN_IF_ERROR(VerifyPrograms());
  SLUICE_RETURN_IF_ERROR(kernel_->VerifyPins());
  SLUICE_RETURN_IF_ERROR(VerifyConfig());
  return Annotate(shaper_->Verify(OpenSendSlots()), "shaper");
}

absl::Status TcDatapath::VerifyPrograms() {
  for (const Place& place : Places()) {
    SLUICE_ASSIGN_OR_RETURN(const int program, kernel_->ProgramFd(place.program));
    SLUICE_ASSIGN_OR_RETURN(const uint32_t wanted, ProgramId(program));
    SLUICE_ASSIGN_OR_RETURN(const uint32_t found, AttachedProgramId(place.device, place.direction));
    if (found != wanted)
      return absl::FailedPreconditionError(StrCat("program ", found, " is attached to ",
                                                  place.device, " in place of ", place.program));
    SLUICE_RETURN_IF_ERROR(CheckNothingBefore(place.device, place.direction, wanted));
  }
  return absl::OkStatus();
}

absl::Status TcDatapath::VerifyConfig() {
  SLUICE_ASSIGN_OR_RETURN(const int tunnel, DeviceIndex(config_.tunnel_device));
  const sluice_config& words = kernel_->config();
  const bool same = LoadWord(words.layout) == SLUICE_LAYOUT &&
                    LoadWord(words.shaper_mode) == static_cast<uint64_t>(mode_) &&
                    LoadWord(words.tunnel_ifindex) == static_cast<uint64_t>(tunnel) &&
                    LoadWord(words.tunnel_port) == TunnelPortWord(config_) &&
                    LoadWord(words.control_port) == config_.control_port &&
                    LoadWord(words.tunnel_mark) == config_.tunnel_mark;
  if (same) return absl::OkStatus();
  return absl::FailedPreconditionError(
      "the gate's configuration in the kernel is not what this agent wrote");
}

absl::Status TcDatapath::Remove() {
  SLUICE_RETURN_IF_ERROR(CheckStarted());
  SLUICE_RETURN_IF_ERROR(SetKillSwitch(true));
  // The reverse of the order in which they were attached.
  std::vector<Place> places = Places();
  std::ranges::reverse(places);
  for (const Place& place : places)
    SLUICE_RETURN_IF_ERROR(DetachTc(place.device, place.direction, place.program));
  SLUICE_RETURN_IF_ERROR(shaper_->Remove());
  for (const Place& place : places) SLUICE_RETURN_IF_ERROR(RemoveClsactIfUnused(place.device));
  SLUICE_RETURN_IF_ERROR(GateKernel::RemovePins(config_.pin_directory));
  kernel_ = nullptr;
  return absl::OkStatus();
}

}  // namespace sluice
