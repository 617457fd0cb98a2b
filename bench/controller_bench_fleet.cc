#include "bench/controller_bench_fleet.h"

#include <algorithm>
#include <cmath>
#include <iostream>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "bench/bench_nodes.h"
#include "controller/store/sqlite_store.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

constexpr uint32_t kLinksPerNode = 50;
constexpr uint64_t kTraffic = 1'000'000;  // bytes between two requests of a link

// Enough nodes that each ordered pair is used at most once.
uint32_t NodesFor(uint32_t links) {
  const auto pairs = static_cast<uint32_t>(std::ceil(std::sqrt(links))) + 1;
  return std::max(pairs, links / kLinksPerNode);
}

}  // namespace

BenchFleet::BenchFleet(const LoopOptions& options, const Clock& clock)
    : options_(options),
      clock_(clock),
      nodes_(NodesFor(options.links)),
      arrivals_(4 * size_t{options.links} + 4096) {
  MakeLinks();
}

void BenchFleet::MakeLinks() {
  for (uint32_t i = 0; i < options_.links; ++i) {
    const uint32_t src = i % nodes_;
    const uint32_t dst = (src + 1 + i / nodes_) % nodes_;
    links_.emplace_back().name = {BenchNodeName(src), BenchNodeName(dst)};
  }
}

absl::Status BenchFleet::Prepare(Store& store) {
  SLUICE_ASSIGN_OR_RETURN(const auto core,
                          ControllerCore::Create(BenchCoreConfig(), store, clock_));
  if (core->Nodes().size() == nodes_ && core->Quotas().size() == links_.size())
    return absl::OkStatus();
  if (!core->Nodes().empty())
    return absl::FailedPreconditionError("the ledger is that of a run with other links");
  for (uint32_t node = 0; node < nodes_; ++node)
    SLUICE_RETURN_IF_ERROR(JoinBenchNode(*core, node, "bench"));
  std::vector<LinkName> names;
  for (const BenchLink& link : links_) names.push_back(link.name);
  return StoreBenchQuotas(store, names);
}

void BenchFleet::Send(const std::string&, agent::v1::ControllerMessage message) {
  if (!message.has_lease() && !message.has_denied()) return;
  (void)arrivals_.Push({std::move(message), clock_.Now()});
}

void BenchFleet::EndSession(const std::string& node, uint64_t, const absl::Status& reason) {
  std::cerr << "session of " << node << " ended: " << reason << "\n";
}

absl::Status BenchFleet::SyncControlPeers(const std::vector<ControlPeer>&) {
  return absl::OkStatus();
}

void BenchFleet::Ask(Engine& engine, BenchLink& link) {
  auto message = std::make_shared<agent::v1::AgentMessage>();
  agent::v1::LeaseRequest& request = *message->mutable_lease_request();
  RequestId id{1};
  const uint64_t number = ++link.request;
  std::copy_n(reinterpret_cast<const uint8_t*>(&number), sizeof(number), id.begin() + 8);
  link.posted = clock_.Now();
  link.admitted = std::min(link.admitted + kTraffic, link.limit);
  request.set_request_id(ToWireBytes(id));
  LinkReport usage;
  usage.side = {link.name, Role::kSend};
  usage.lease_sequence = link.sequence;
  usage.admitted = Bytes{link.admitted};
  usage.volume_limit = Bytes{link.limit};
  usage.expires_in = absl::Seconds(link.sequence > 0 ? 30 : 0);
  usage.closed = link.sequence == 0;
  *request.mutable_usage() = ToProto(usage);
  request.set_sent_at_ns(link.posted.ns);
  const bool posted =
      engine.Post([this, node = link.name.src, message](ControllerCore& core, Effects& effects) {
        if (over_) return;
        const absl::Status status = core.OnMessage(node, 1, *message, effects);
        if (!status.ok()) std::cerr << node << ": " << status << "\n";
      });
  if (!posted) std::cerr << "the engine's queue is full\n";
}

// The sender's lease answers its request; the receiver's is dropped here.
void BenchFleet::Take(Engine& engine, const Arrival& arrival) {
  std::string name;
  agent::v1::Lease lease;
  if (arrival.message.has_denied()) {
    name = arrival.message.denied().link();
    ++refused_;
  } else {
    if (!lease.ParseFromString(arrival.message.lease().lease())) return;
    if (lease.role() != agent::v1::ROLE_SEND) return;
    name = lease.link();
  }
  const auto link_name = ParseLinkName(name);
  if (!link_name.ok()) return;
  const auto src = static_cast<uint32_t>(std::stoul(link_name->src.substr(1)));
  const auto dst = static_cast<uint32_t>(std::stoul(link_name->dst.substr(1)));
  BenchLink& link = links_[(dst + nodes_ - src - 1) % nodes_ * nodes_ + src];
  if (arrival.message.has_lease()) {
    counter_.Add(link.posted, arrival.at);
    link.sequence = lease.sequence();
    link.limit = lease.volume_limit();
  }
  Ask(engine, link);
}

// Usage travels with the requests, so heartbeats only say that a node is there.
void BenchFleet::Beat(Engine& engine) {
  for (uint32_t node = 0; node < nodes_; ++node) {
    auto message = std::make_shared<agent::v1::AgentMessage>();
    message->mutable_heartbeat()->set_sent_at_ns(clock_.Now().ns);
    (void)engine.Post(
        [name = BenchNodeName(node), message](ControllerCore& core, Effects& effects) {
          (void)core.OnMessage(name, 1, *message, effects);
        });
  }
}

void BenchFleet::Loop(Engine& engine) {
  BootTime next_beat = clock_.Now() + absl::Seconds(1);
  counter_.Start(options_, clock_.Now());
  for (BenchLink& link : links_) Ask(engine, link);
  while (!counter_.Over(clock_.Now())) {
    if (const auto arrival = arrivals_.PopFor(absl::Milliseconds(100))) Take(engine, *arrival);
    if (clock_.Now() < next_beat) continue;
    next_beat = next_beat + absl::Seconds(1);
    Beat(engine);
  }
}

absl::StatusOr<Measured> BenchFleet::Run(const std::string& directory, const LoopOptions& options,
                                         const Clock& clock) {
  SLUICE_ASSIGN_OR_RETURN(const auto store, OpenSqliteStore({.path = directory + "/ledger.db"}));
  BenchFleet fleet(options, clock);
  SLUICE_RETURN_IF_ERROR(fleet.Prepare(*store));
  SLUICE_ASSIGN_OR_RETURN(const auto core,
                          ControllerCore::Create(BenchCoreConfig(), *store, clock));
  for (uint32_t node = 0; node < fleet.nodes_; ++node)
    SLUICE_RETURN_IF_ERROR(SayBenchHello(*core, node, clock.Now()));
  Engine engine(*core, fleet, clock, 4 * size_t{options.links} + 4096);
  engine.Start();
  fleet.Loop(engine);
  fleet.over_ = true;
  fleet.arrivals_.Close();
  engine.Stop();
  Measured measured = fleet.counter_.Result();
  measured.refused = fleet.refused_;
  return measured;
}

}  // namespace sluice
