// A controller with a large fleet around it, in one process and without a network: the core,
// its store, the operator API and the console are the real ones; the nodes say honestly
// what imagined traffic does. Serves until its standard input ends. For ./run bench console.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "bench/bench_nodes.h"
#include "controller/grants/engine.h"
#include "controller/store/sqlite_store.h"
#include "controller/web/rest_server.h"
#include "spdlog/spdlog.h"
#include "wire/fixed_bytes.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice {
namespace {

struct Options {
  std::string directory;
  std::string token;
  uint32_t nodes = 1'000;
  uint32_t links = 5'000;
  uint32_t enclosures = 50;
  int heartbeat_ms = 1'000;
  int sample_s = 1;
};

// One link's traffic: what the sender's gate has, and the receiver's with it.
struct Flow {
  LinkName link;
  Lease lease;
  uint64_t admitted = 0;
  double load = 0.5;  // of the rate
  uint64_t refused = 0;
};

class ConsoleFleet final : public Outside {
 public:
  ConsoleFleet(const Options& options, const Clock& clock) : options_(options), clock_(clock) {
    for (uint32_t i = 0; i < options.links; ++i) {
      const uint32_t src = i % options.nodes;
      const uint32_t dst = (src + 1 + i / options.nodes * 37) % options.nodes;
      Flow flow;
      flow.link = {BenchNodeName(src), BenchNodeName(dst)};
      flows_.push_back(flow);
    }
    for (Flow& flow : flows_) {
      by_link_[flow.link.ToString()] = &flow;
      ends_[flow.link.src].push_back({&flow, Role::kSend});
      ends_[flow.link.dst].push_back({&flow, Role::kReceive});
    }
  }

  absl::Status Prepare(Store& store) {
    SLUICE_ASSIGN_OR_RETURN(const auto core,
                            ControllerCore::Create(BenchCoreConfig(), store, clock_));
    for (uint32_t node = 0; node < options_.nodes; ++node) {
      const uint32_t enclosure = node * options_.enclosures / options_.nodes;
      SLUICE_RETURN_IF_ERROR(JoinBenchNode(*core, node, StrCat("e", enclosure)));
    }
    std::vector<LinkName> links;
    for (const Flow& flow : flows_) links.push_back(flow.link);
    return StoreBenchQuotas(store, links);
  }

  void Send(const std::string& node, agent::v1::ControllerMessage message) override {
    agent::v1::Lease lease;
    if (!message.has_lease() || !lease.ParseFromString(message.lease().lease())) return;
    const auto it = by_link_.find(lease.link());
    if (it == by_link_.end() || node != it->second->link.src) return;
    it->second->lease.sequence = lease.sequence();
    it->second->lease.volume_limit = Bytes{lease.volume_limit()};
  }
  void EndSession(const std::string& node, uint64_t, const absl::Status& reason) override {
    std::cerr << "session of " << node << " ended: " << reason << "\n";
  }
  absl::Status SyncControlPeers(const std::vector<ControlPeer>&) override {
    return absl::OkStatus();
  }

  // On the engine's thread, as Send.
  void AskAll(ControllerCore& core, Effects& effects) {
    for (Flow& flow : flows_) {
      agent::v1::AgentMessage message;
      agent::v1::LeaseRequest& request = *message.mutable_lease_request();
      RequestId id{1};
      ++requests_;
      std::copy_n(reinterpret_cast<const uint8_t*>(&requests_), sizeof(requests_), id.begin() + 8);
      request.set_request_id(ToWireBytes(id));
      *request.mutable_usage() = ToProto(ReportOf(flow, Role::kSend));
      request.set_sent_at_ns(clock_.Now().ns);
      const absl::Status status = core.OnMessage(flow.link.src, 1, message, effects);
      if (!status.ok()) std::cerr << status << "\n";
    }
  }
  void Beat(ControllerCore& core, const std::string& node, Effects& effects) {
    agent::v1::AgentMessage message;
    message.mutable_heartbeat()->set_sent_at_ns(clock_.Now().ns);
    for (const auto& [flow, role] : ends_[node]) {
      if (role == Role::kSend) Advance(*flow);
      *message.mutable_heartbeat()->add_links() = ToProto(ReportOf(*flow, role));
    }
    const absl::Status status = core.OnMessage(node, 1, message, effects);
    if (!status.ok()) std::cerr << node << ": " << status << "\n";
  }

 private:
  void Advance(Flow& flow) {
    flow.load = std::clamp(flow.load + change_(random_), 0.0, 1.0);
    const double bytes = flow.load * 1e9 / 8 * options_.heartbeat_ms / 1'000;
    flow.admitted =
        std::min(flow.admitted + static_cast<uint64_t>(bytes), flow.lease.volume_limit.value);
    if (flow.load > 0.9) flow.refused += 10;
  }
  LinkReport ReportOf(const Flow& flow, Role role) const {
    LinkReport report;
    report.side = {flow.link, role};
    report.lease_sequence = flow.lease.sequence;
    report.admitted = Bytes{flow.admitted};
    report.admitted_packets = flow.admitted / 1'500;
    report.volume_limit = flow.lease.volume_limit;
    if (role == Role::kSend) report.drops[SLUICE_DROP_RATE].packets = flow.refused;
    report.expires_in = absl::Seconds(flow.lease.sequence > 0 ? 20 : 0);
    report.closed = flow.lease.sequence == 0;
    return report;
  }

  const Options options_;
  const Clock& clock_;
  std::vector<Flow> flows_;
  std::map<std::string, Flow*> by_link_;
  std::map<std::string, std::vector<std::pair<Flow*, Role>>> ends_;
  std::mt19937 random_{1};
  std::uniform_real_distribution<double> change_{-0.1, 0.1};
  uint64_t requests_ = 0;
};

// Each node's heartbeat in its turn; all ask for leases every ten seconds.
void Live(Engine& engine, ConsoleFleet& fleet, const Options& options,
          const std::atomic<bool>& end) {
  const auto step = std::chrono::milliseconds(options.heartbeat_ms) / 20;
  for (uint32_t tick = 0; !end; ++tick) {
    if (tick % (10'000 * 20 / static_cast<uint32_t>(options.heartbeat_ms)) == 0)
      (void)engine.Post(
          [&](ControllerCore& core, Effects& effects) { fleet.AskAll(core, effects); });
    for (uint32_t node = tick % 20; node < options.nodes; node += 20)
      (void)engine.Post(
          [&fleet, name = BenchNodeName(node)](ControllerCore& core, Effects& effects) {
            fleet.Beat(core, name, effects);
          });
    std::this_thread::sleep_for(step);
  }
}

absl::Status Serve(const Options& options) {
  SystemClock clock;
  SLUICE_ASSIGN_OR_RETURN(const auto store,
                          OpenSqliteStore({.path = options.directory + "/ledger.db"}));
  ConsoleFleet fleet(options, clock);
  SLUICE_RETURN_IF_ERROR(fleet.Prepare(*store));
  CoreConfig config = BenchCoreConfig();
  config.heartbeat = absl::Milliseconds(options.heartbeat_ms);
  SLUICE_ASSIGN_OR_RETURN(const auto core, ControllerCore::Create(config, *store, clock));
  for (uint32_t node = 0; node < options.nodes; ++node)
    SLUICE_RETURN_IF_ERROR(SayBenchHello(*core, node, clock.Now()));
  Engine engine(*core, fleet, clock);
  engine.Start();
  std::atomic<bool> end = false;
  std::thread nodes([&] { Live(engine, fleet, options, end); });
  RestConfig rest;
  rest.listen = "127.0.0.1:0";
  rest.admin_token = options.token;
  rest.fleet = config.fleet;
  rest.version = "bench";
  rest.heartbeat = config.heartbeat;
  rest.stream_interval = absl::Seconds(options.sample_s);
  auto server = RestServer::Start(rest, engine, clock);
  if (server.ok()) {
    std::cout << "port " << (*server)->port() << std::endl;
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    (*server)->Stop();
  }
  end = true;
  nodes.join();
  engine.Stop();
  return server.status();
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  spdlog::set_level(spdlog::level::warn);
  sluice::Options options;
  CLI::App app("A controller with a large fleet of imagined nodes, for ./run bench console");
  app.add_option("--directory", options.directory, "for the ledger; must exist")->required();
  app.add_option("--token", options.token, "the admin token")->required();
  app.add_option("--nodes", options.nodes);
  app.add_option("--links", options.links);
  app.add_option("--enclosures", options.enclosures);
  app.add_option("--heartbeat-ms", options.heartbeat_ms);
  app.add_option("--sample-s", options.sample_s, "between two readings for console and history");
  CLI11_PARSE(app, argc, argv);
  const absl::Status status = sluice::Serve(options);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
