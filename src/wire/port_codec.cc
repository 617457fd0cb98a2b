#include "wire/port_codec.h"

#include <set>
#include <string>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr size_t kMostCountedName = 63;
constexpr int kMostCountedPorts = 64;

void SetFrames(const Traffic& traffic, agent::v1::FrameCount& proto) {
  proto.set_bytes(traffic.bytes);
  proto.set_packets(traffic.packets);
}

void SetFlow(const PortFlow& flow, agent::v1::PortFlow& proto) {
  SetFrames(flow.device, *proto.mutable_device());
  SetFrames(flow.tunnel, *proto.mutable_tunnel());
  SetFrames(flow.control, *proto.mutable_control());
  SetFrames(flow.refused, *proto.mutable_refused());
}

absl::StatusOr<Traffic> FramesOf(const agent::v1::FrameCount& proto) {
  if ((proto.bytes() | proto.packets()) >> 63 != 0)
    return absl::InvalidArgumentError("ports: a counter is out of range");
  return Traffic{proto.bytes(), proto.packets()};
}

absl::StatusOr<PortFlow> FlowOf(const agent::v1::PortFlow& proto) {
  PortFlow flow;
  SLUICE_ASSIGN_OR_RETURN(flow.device, FramesOf(proto.device()));
  SLUICE_ASSIGN_OR_RETURN(flow.tunnel, FramesOf(proto.tunnel()));
  SLUICE_ASSIGN_OR_RETURN(flow.control, FramesOf(proto.control()));
  SLUICE_ASSIGN_OR_RETURN(flow.refused, FramesOf(proto.refused()));
  return flow;
}

}  // namespace

void AddPortCounts(const std::vector<PortCounts>& ports, agent::v1::Heartbeat& heartbeat) {
  for (const PortCounts& counts : ports) {
    if (heartbeat.ports_size() == kMostCountedPorts) return;
    agent::v1::PortCounts& proto = *heartbeat.add_ports();
    proto.set_port(CleanWords(counts.port));
    SetFlow(counts.rx, *proto.mutable_rx());
    SetFlow(counts.tx, *proto.mutable_tx());
  }
}

absl::StatusOr<std::vector<PortCounts>> PortCountsOf(const agent::v1::Heartbeat& heartbeat) {
  if (heartbeat.ports_size() > kMostCountedPorts)
    return absl::InvalidArgumentError("ports: more than a node has");
  std::vector<PortCounts> ports;
  std::set<std::string> names;
  for (const agent::v1::PortCounts& proto : heartbeat.ports()) {
    PortCounts& counts = ports.emplace_back();
    counts.port = proto.port();
    const bool good = !counts.port.empty() && counts.port.size() <= kMostCountedName &&
                      CleanWords(counts.port) == counts.port;
    if (!good || !names.insert(counts.port).second)
      return absl::InvalidArgumentError(
          StrCat("ports: ", ForMessage(counts.port), " is no port, or comes twice"));
    SLUICE_ASSIGN_OR_RETURN(counts.rx, FlowOf(proto.rx()));
    SLUICE_ASSIGN_OR_RETURN(counts.tx, FlowOf(proto.tx()));
  }
  return ports;
}

}  // namespace sluice
