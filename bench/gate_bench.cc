// What the gate costs. Two modes, both with JSON on stdout:
//   ns     nanoseconds per packet of acc_ingress and tunnel_egress, by the
//          kernel's BPF_PROG_TEST_RUN, over numbers of leases and packet sizes
//   serve  puts the gate on a port with so many leases, until stdin is closed,
//          for a throughput measurement from outside
#include <arpa/inet.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "datapath/gate_words.h"
#include "datapath/tc/gate_kernel.h"
#include "datapath/tc/gate_routes.h"
#include "os/bpf/tc_attachment.h"

namespace sluice {
namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kPrefixLength = 24;
constexpr size_t kEthernetHeader = 14;

// Link i sends to the i-th /24 behind `base`.
IpPrefix Destination(uint32_t base, uint32_t i) {
  IpPrefix prefix;
  prefix.length = kPrefixLength;
  const uint32_t address = htonl(base + (i << (32 - kPrefixLength)));
  std::memcpy(prefix.address.bytes.data(), &address, sizeof(address));
  return prefix;
}

absl::Status AddRoute(GateKernel& kernel, sluice_route_role role, const IpPrefix& prefix,
                      uint32_t slot) {
  const sluice_route_key key = RouteKey(role, prefix);
  return PutElement(kernel.routes_fd(), &key, &slot);
}

// `leases` open links of endless volume. With a rate their virtual clocks run.
absl::Status OpenLeases(GateKernel& kernel, uint32_t leases, uint32_t base, BitRate rate) {
  GateLease lease;
  lease.sequence = 1;
  lease.rate = rate;
  lease.volume_limit = kMaxVolume;
  lease.expires_at = SystemClock().Now() + absl::Hours(24);
  const ClockWords clock{CostQ24(rate), 1'000'000, 1'000'000'000, 100'000'000};
  SLUICE_RETURN_IF_ERROR(AddRoute(kernel, SLUICE_ROUTE_OWN, IpPrefix{}, 1));
  for (uint32_t i = 1; i <= leases; ++i) {
    SLUICE_RETURN_IF_ERROR(AddRoute(kernel, SLUICE_ROUTE_SEND, Destination(base, i - 1), i));
    WriteLease(kernel.slot(i), lease, clock);
  }
  StoreWord(kernel.config().generation, 1);
  StoreWord(kernel.config().shaper_mode, SLUICE_SHAPER_NONE);
  return absl::OkStatus();
}

// An IPv4 UDP packet of `size` bytes to the i-th destination, in its frame.
std::string Frame(uint32_t base, uint32_t i, size_t size) {
  std::string frame(kEthernetHeader + size, '\0');
  frame[12] = 0x08;
  char* ip = frame.data() + kEthernetHeader;
  ip[0] = 0x45;
  ip[2] = static_cast<char>(size >> 8);
  ip[3] = static_cast<char>(size);
  ip[8] = 64;
  ip[9] = IPPROTO_UDP;
  const uint32_t source = htonl(0x0a000001);
  const uint32_t destination = htonl(base + (i << (32 - kPrefixLength)) + 1);
  std::memcpy(ip + 12, &source, sizeof(source));
  std::memcpy(ip + 16, &destination, sizeof(destination));
  return frame;
}

Json Machine() {
  utsname name{};
  uname(&name);
  return {
      {"kernel", name.release}, {"machine", name.machine}, {"cpus", sysconf(_SC_NPROCESSORS_ONLN)}};
}

// The median over destinations that are spread over all leases.
absl::StatusOr<uint32_t> MedianNs(GateKernel& kernel, const char* program, uint32_t leases,
                                  uint32_t base, size_t size, int repeat) {
  SLUICE_ASSIGN_OR_RETURN(const int fd, kernel.ProgramFd(program));
  std::vector<uint32_t> samples;
  for (uint32_t sample = 0; sample < 15; ++sample) {
    const uint32_t i = static_cast<uint32_t>(uint64_t{sample} * leases / 15);
    __sk_buff context{};
    context.mark = SLUICE_MARK | (i + 1);
    SLUICE_ASSIGN_OR_RETURN(const BpfTestRun run,
                            TestRun(fd, Frame(base, i, size), context, repeat));
    samples.push_back(run.nanoseconds);
  }
  std::ranges::sort(samples);
  return samples[samples.size() / 2];
}

absl::Status MeasureNs(const std::vector<uint32_t>& leases, uint32_t base, int repeat) {
  Json results = Json::array();
  for (const uint32_t n : leases) {
    for (const BitRate rate : {BitRate{0}, kMaxRate}) {
      SLUICE_ASSIGN_OR_RETURN(
          auto kernel, GateKernel::Load({.pin_directory = "", .tunnel_header = kEthernetHeader}));
      SLUICE_RETURN_IF_ERROR(OpenLeases(*kernel, n, base, rate));
      for (const size_t size : {size_t{64}, size_t{1500}}) {
        SLUICE_ASSIGN_OR_RETURN(const uint32_t ns,
                                MedianNs(*kernel, "acc_ingress", n, base, size, repeat));
        results.push_back({{"program", "acc_ingress"},
                           {"leases", n},
                           {"bytes", size},
                           {"clock", rate.bps != 0},
                           {"ns_per_packet", ns}});
      }
    }
  }
  std::cout << Json{{"benchmark", "gate_ns"},
                    {"repeat", repeat},
                    {"machine", Machine()},
                    {"results", results}}
                   .dump(2)
            << std::endl;
  return absl::OkStatus();
}

struct ServeOptions {
  std::string port;
  std::string out;
  uint32_t out_header = kEthernetHeader;
  uint32_t leases = 1;
  uint64_t rate = 0;
};

Json Counts(GateKernel& kernel, uint32_t leases) {
  uint64_t bytes = 0;
  uint64_t packets = 0;
  std::map<std::string, uint64_t> drops;
  for (uint32_t slot = 0; slot <= leases; ++slot) {
    bytes += LoadWord(kernel.slot(slot).admitted) & ~SLUICE_CLOSED;
    packets += LoadWord(kernel.slot(slot).packets);
    const Drops counts = ReadDrops(kernel.drops(slot));
    for (size_t i = 0; i < counts.size(); ++i)
      if (counts[i].packets != 0)
        drops[std::string(DropReasonName(static_cast<sluice_drop_reason>(i)))] += counts[i].packets;
  }
  return {{"admitted_bytes", bytes}, {"admitted_packets", packets}, {"drops", drops}};
}

absl::Status Attach(GateKernel& kernel, const ServeOptions& o) {
  if (!o.out.empty()) {
    SLUICE_ASSIGN_OR_RETURN(const int egress, kernel.ProgramFd("tunnel_egress"));
    SLUICE_RETURN_IF_ERROR(AttachTc(o.out, TcDirection::kEgress, egress));
  }
  SLUICE_ASSIGN_OR_RETURN(const int ingress, kernel.ProgramFd("acc_ingress"));
  return AttachTc(o.port, TcDirection::kIngress, ingress);
}

absl::Status Serve(const ServeOptions& o, uint32_t base) {
  SLUICE_ASSIGN_OR_RETURN(auto kernel,
                          GateKernel::Load({.pin_directory = "", .tunnel_header = o.out_header}));
  SLUICE_RETURN_IF_ERROR(OpenLeases(*kernel, o.leases, base, BitRate{o.rate}));
  SLUICE_RETURN_IF_ERROR(Attach(*kernel, o));
  std::cout << Json{{"ready", true}, {"leases", o.leases}}.dump() << std::endl;
  std::string ignored;
  while (std::getline(std::cin, ignored)) {
  }
  std::cout << Counts(*kernel, o.leases).dump() << std::endl;
  SLUICE_RETURN_IF_ERROR(DetachTc(o.port, TcDirection::kIngress, "acc_ingress"));
  SLUICE_RETURN_IF_ERROR(RemoveClsact(o.port));
  if (o.out.empty()) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(DetachTc(o.out, TcDirection::kEgress, "tunnel_egress"));
  return RemoveClsact(o.out);
}

int Main(int argc, char** argv) {
  CLI::App app("What the gate costs, as JSON on stdout.");
  app.require_subcommand(1);
  std::string base_text = "20.0.0.0";
  app.add_option("--base", base_text, "link i (from 0) sends to the i-th /24 behind this address");
  std::vector<uint32_t> counts{1, 1000, 10'000};
  int repeat = 200'000;
  CLI::App* ns = app.add_subcommand("ns", "nanoseconds per packet by BPF_PROG_TEST_RUN");
  ns->add_option("--leases", counts)->check(CLI::Range(1u, SLUICE_MAX_SLOTS - 1));
  ns->add_option("--repeat", repeat)->check(CLI::Range(1, 100'000'000));
  ServeOptions options;
  CLI::App* serve = app.add_subcommand("serve", "the gate on a port until stdin is closed");
  serve->add_option("--port", options.port, "accelerator port: its ingress")->required();
  serve->add_option("--out", options.out, "also the tunnel's program at this device's egress");
  serve->add_option("--out-header", options.out_header, "its link-layer header's bytes: 14 or 0");
  serve->add_option("--leases", options.leases)->check(CLI::Range(1u, SLUICE_MAX_SLOTS - 1));
  serve->add_option("--rate", options.rate, "bit/s of each lease's clock; 0: no clock")
      ->check(CLI::Range(uint64_t{0}, kMaxRate.bps));
  CLI11_PARSE(app, argc, argv);
  in_addr base{};
  if (inet_pton(AF_INET, base_text.c_str(), &base) != 1) {
    std::cerr << "--base " << base_text << " is no IPv4 address\n";
    return 2;
  }
  const uint32_t first = ntohl(base.s_addr);
  const absl::Status status =
      ns->parsed() ? MeasureNs(counts, first, repeat) : Serve(options, first);
  if (!status.ok()) std::cerr << "sluice-gate-bench: " << status.message() << "\n";
  return status.ok() ? 0 : 1;
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) { return sluice::Main(argc, argv); }
