// etcd's lease grants per second and their latency, in a closed loop: as many
// requests are outstanding as asked for. JSON on stdout.
#include <grpcpp/grpcpp.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "base/system_clock.h"
#include "bench/closed_loop.h"
#include "bench/etcd_lease.grpc.pb.h"

namespace sluice {
namespace {

constexpr uint32_t kMostPerConnection = 1000;
constexpr int64_t kTtlSeconds = 3600;

// One request at a time, again and again.
struct Asker {
  etcdserverpb::Lease::Stub* stub = nullptr;
  std::unique_ptr<grpc::ClientContext> context;
  std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::LeaseGrantResponse>> reader;
  etcdserverpb::LeaseGrantResponse response;
  grpc::Status status;
  BootTime asked;

  void Ask(grpc::CompletionQueue& queue, BootTime now) {
    etcdserverpb::LeaseGrantRequest request;
    request.set_ttl(kTtlSeconds);
    context = std::make_unique<grpc::ClientContext>();
    asked = now;
    reader = stub->AsyncLeaseGrant(context.get(), request, &queue);
    reader->Finish(&response, &status, this);
  }
};

// Channels of the same target would share a connection, were they not told.
std::vector<std::unique_ptr<etcdserverpb::Lease::Stub>> Connect(const std::string& endpoint,
                                                                uint32_t links) {
  std::vector<std::unique_ptr<etcdserverpb::Lease::Stub>> stubs;
  for (uint32_t n = 0; n < links; n += kMostPerConnection) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    const auto channel =
        grpc::CreateCustomChannel(endpoint, grpc::InsecureChannelCredentials(), arguments);
    if (!channel->WaitForConnected(
            gpr_time_add(gpr_now(GPR_CLOCK_REALTIME), gpr_time_from_seconds(20, GPR_TIMESPAN))))
      return {};
    stubs.push_back(etcdserverpb::Lease::NewStub(channel));
  }
  return stubs;
}

Measured Loop(const std::vector<std::unique_ptr<etcdserverpb::Lease::Stub>>& stubs,
              const LoopOptions& options, const Clock& clock) {
  grpc::CompletionQueue queue;
  std::vector<Asker> askers(options.links);
  LoopCounter counter;
  uint64_t refused = 0;
  counter.Start(options, clock.Now());
  for (uint32_t n = 0; n < options.links; ++n) {
    askers[n].stub = stubs[n / kMostPerConnection].get();
    askers[n].Ask(queue, clock.Now());
  }
  uint32_t outstanding = options.links;
  void* tag = nullptr;
  bool ok = false;
  while (outstanding > 0 && queue.Next(&tag, &ok)) {
    Asker& asker = *static_cast<Asker*>(tag);
    const BootTime now = clock.Now();
    if (ok && asker.status.ok() && asker.response.error().empty())
      counter.Add(asker.asked, now);
    else
      ++refused;
    if (counter.Over(now))
      --outstanding;
    else
      asker.Ask(queue, now);
  }
  queue.Shutdown();
  while (queue.Next(&tag, &ok)) {
  }
  Measured measured = counter.Result();
  measured.refused = refused;
  return measured;
}

int Main(int argc, char** argv) {
  CLI::App app("etcd's lease grants per second, as JSON on stdout.");
  std::string endpoint;
  LoopOptions options;
  app.add_option("--endpoint", endpoint, "HOST:PORT of etcd's clients")->required();
  app.add_option("--links", options.links, "requests outstanding")->check(CLI::Range(1u, 100'000u));
  app.add_option("--seconds", options.seconds, "of measuring")->check(CLI::PositiveNumber);
  app.add_option("--warm-up", options.warm_up, "seconds before")->check(CLI::NonNegativeNumber);
  CLI11_PARSE(app, argc, argv);
  const auto stubs = Connect(endpoint, options.links);
  if (stubs.empty()) {
    std::cerr << "sluice-etcd-bench: nobody answers at " << endpoint << "\n";
    return 1;
  }
  std::cout << ToJson(Loop(stubs, options, SystemClock())).dump() << std::endl;
  return 0;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::Main(argc, argv); }
