#include "wire/wiring_codec.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"
#include "wire/fixed_bytes.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr size_t kMostPortName = 63;

absl::Status CheckPort(const std::string& port) {
  if (!port.empty() && port.size() <= kMostPortName && CleanWords(port) == port)
    return absl::OkStatus();
  return absl::InvalidArgumentError(StrCat("there is no port ", ForMessage(port)));
}

void AddNeighbour(const Neighbour& neighbour, agent::v1::PortWiring& port) {
  agent::v1::Neighbour& out = *port.add_neighbours();
  out.set_node(neighbour.port.node);
  out.set_port(neighbour.port.port);
  out.set_nearest(neighbour.nearest);
  out.set_identity_key(ToWireBytes(neighbour.identity));
  out.set_instance(ToWireBytes(neighbour.instance));
  if (neighbour.rtt) out.set_rtt_ns(absl::ToInt64Nanoseconds(*neighbour.rtt));
}

void AddPort(const PortWiring& wiring, agent::v1::Wiring& proto) {
  agent::v1::PortWiring& out = *proto.add_ports();
  out.set_port(wiring.port);
  out.set_carrier(wiring.carrier);
  out.set_listening_ns(absl::ToInt64Nanoseconds(wiring.listening));
  if (wiring.plugged)
    out.set_plugged_ns(std::max<int64_t>(1, absl::ToInt64Nanoseconds(*wiring.plugged)));
  for (const Neighbour& neighbour : wiring.neighbours) AddNeighbour(neighbour, out);
  for (const LldpClaim& claim : wiring.claims) {
    agent::v1::LldpClaim& said = *out.add_claims();
    said.set_system(claim.system);
    said.set_chassis(claim.chassis);
    said.set_port(claim.port);
    said.set_description(claim.description);
  }
  if (wiring.capacity) {
    out.mutable_capacity()->set_node(wiring.capacity->to.node);
    out.mutable_capacity()->set_port(wiring.capacity->to.port);
    out.mutable_capacity()->set_bps(wiring.capacity->rate.bps);
    out.mutable_capacity()->set_number(wiring.capacity->number);
  }
  for (const ProbeAlarm& alarm : wiring.alarms) {
    agent::v1::ProbeAlarm& told = *out.add_alarms();
    told.set_kind(static_cast<agent::v1::AlarmKind>(static_cast<int>(alarm.kind) + 1));
    told.set_node(alarm.about.node);
    told.set_port(alarm.about.port);
    told.set_words(alarm.words);
    told.set_frames(alarm.frames);
  }
}

absl::StatusOr<Neighbour> ReadNeighbour(const agent::v1::Neighbour& proto) {
  SLUICE_RETURN_IF_ERROR(CheckName("node", proto.node()));
  SLUICE_RETURN_IF_ERROR(CheckPort(proto.port()));
  Neighbour out;
  out.port = {proto.node(), proto.port()};
  out.nearest = proto.nearest();
  SLUICE_ASSIGN_OR_RETURN(out.identity,
                          FromWireBytes<32>("the identity key", proto.identity_key()));
  SLUICE_ASSIGN_OR_RETURN(out.instance, FromWireBytes<8>("the instance", proto.instance()));
  if (!proto.has_rtt_ns()) return out;
  if (proto.rtt_ns() < 0) return absl::InvalidArgumentError("a round trip below zero");
  out.rtt = absl::Nanoseconds(proto.rtt_ns());
  return out;
}

absl::StatusOr<ProbeAlarm> ReadAlarm(const agent::v1::ProbeAlarm& proto) {
  if (proto.kind() < agent::v1::ALARM_FORGED || proto.kind() > agent::v1::ALARM_CLONED)
    return absl::InvalidArgumentError("an alarm of an unknown kind");
  ProbeAlarm out;
  out.kind = static_cast<ProbeAlarm::Kind>(static_cast<int>(proto.kind()) - 1);
  out.about = {CleanWords(proto.node()), CleanWords(proto.port())};
  out.words = CleanWords(proto.words());
  out.frames = proto.frames();
  return out;
}

absl::StatusOr<PortWiring> ReadPort(const agent::v1::PortWiring& proto) {
  SLUICE_RETURN_IF_ERROR(CheckPort(proto.port()));
  if (proto.neighbours_size() > kMostNeighbours || proto.claims_size() > kMostClaims ||
      proto.alarms_size() > kMostClaims)
    return absl::InvalidArgumentError(StrCat("port ", proto.port(), " has too many neighbours"));
  if (proto.listening_ns() < 0 || proto.plugged_ns() < 0)
    return absl::InvalidArgumentError("a time below zero");
  PortWiring out;
  out.port = proto.port();
  out.carrier = proto.carrier();
  out.listening = absl::Nanoseconds(proto.listening_ns());
  if (proto.plugged_ns() > 0) out.plugged = absl::Nanoseconds(proto.plugged_ns());
  for (const agent::v1::Neighbour& neighbour : proto.neighbours()) {
    // What somebody else made it hear must not cost an honest node its session.
    if (auto read = ReadNeighbour(neighbour); read.ok()) out.neighbours.push_back(*std::move(read));
  }
  for (const agent::v1::LldpClaim& claim : proto.claims())
    out.claims.push_back({CleanWords(claim.system()), CleanWords(claim.chassis()),
                          CleanWords(claim.port()), CleanWords(claim.description())});
  if (proto.has_capacity())
    out.capacity = {{CleanWords(proto.capacity().node()), CleanWords(proto.capacity().port())},
                    BitRate{proto.capacity().bps()},
                    proto.capacity().number()};
  for (const agent::v1::ProbeAlarm& alarm : proto.alarms()) {
    SLUICE_ASSIGN_OR_RETURN(ProbeAlarm read, ReadAlarm(alarm));
    out.alarms.push_back(std::move(read));
  }
  return out;
}

}  // namespace

agent::v1::Wiring ToProto(const NodeWiring& wiring) {
  agent::v1::Wiring proto;
  proto.set_instance(ToWireBytes(wiring.instance));
  proto.set_whole(wiring.whole);
  for (const PortWiring& port : wiring.ports) AddPort(port, proto);
  return proto;
}

absl::StatusOr<NodeWiring> WiringFromProto(const agent::v1::Wiring& proto) {
  if (proto.ports_size() > kMostPorts)
    return absl::InvalidArgumentError("a node says that it has too many ports");
  NodeWiring out;
  SLUICE_ASSIGN_OR_RETURN(out.instance, FromWireBytes<8>("the instance", proto.instance()));
  out.whole = proto.whole();
  for (const agent::v1::PortWiring& port : proto.ports()) {
    SLUICE_ASSIGN_OR_RETURN(PortWiring read, ReadPort(port));
    out.ports.push_back(std::move(read));
  }
  return out;
}

}  // namespace sluice
