// One node's datapath with one link each way, driven by lines on stdin: what
// bench/shaper_sweep.py measures shapers with. Runs in the namespace in which
// it is started, and takes everything away at the end of its input.
//
//   set rate_bps=… burst=… [htb_burst=… max_size=… limit=…
//       clock_bps=… burst_ns=… queue_ns=… mark_ns=…]
//       (re)opens the link; what is not given is as the shaper plans it
//   stat
//       answers {"admitted": bytes, "rate_drops": packets, …}
// Each answer is one line.
#include <charconv>
#include <cstdio>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "base/status.h"
#include "base/strings.h"
#include "base/system_clock.h"
#include "datapath/tc/tc_datapath.h"
#include "datapath/tc/tc_shaper.h"
#include "os/netlink/route_table.h"
#include "os/netlink/tc.h"

namespace sluice {
namespace {

using Values = std::map<std::string, uint64_t>;

const LinkSide kSend{{"near", "far"}, Role::kSend};
const LinkSide kReceive{{"far", "near"}, Role::kReceive};

Values ParseValues(std::istringstream& words) {
  Values values;
  std::string word;
  while (words >> word) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) continue;
    std::from_chars(word.data() + equals + 1, word.data() + word.size(),
                    values[word.substr(0, equals)]);
  }
  return values;
}

// The shaper's plan with what the measurement wants different.
absl::StatusOr<ShaperPlan> Override(const Values& values, absl::StatusOr<ShaperPlan> plan,
                                    BitRate rate) {
  if (!plan.ok()) return plan;
  for (const auto& [name, value] : values) {
    if (name == "htb_burst") {
      plan->htb.burst = value;
      plan->htb.peak_burst = value;
      plan->words.burst_ns =
          static_cast<uint64_t>(absl::ToInt64Nanoseconds(TimeFor(Bytes{value}, rate)));
    }
    if (name == "clock_bps") plan->words.rate = BitRate{value};
    if (name == "burst_ns") plan->words.burst_ns = value;
    if (name == "max_size") plan->leaf.max_size = static_cast<uint32_t>(value);
    if (name == "limit") plan->leaf.limit = static_cast<uint32_t>(value);
    if (name == "queue_ns") plan->words.queue_ns = value;
    if (name == "mark_ns") plan->words.mark_ns = value;
  }
  return plan;
}

absl::Status ApplyBoth(TcDatapath& datapath, const Values& values, uint64_t sequence) {
  const auto get = [&](const char* name) {
    const auto it = values.find(name);
    return it == values.end() ? 0 : it->second;
  };
  GateLease lease;
  lease.sequence = sequence;
  lease.rate = BitRate{get("rate_bps")};
  lease.burst = Bytes{get("burst")};
  lease.volume_limit = kMaxVolume;
  lease.expires_at = SystemClock().Now() + absl::Hours(24);
  SLUICE_RETURN_IF_ERROR(datapath.Apply(kSend, lease));
  lease.rate = kMaxRate;
  return datapath.Apply(kReceive, lease);
}

std::string Stat(TcDatapath& datapath) {
  const auto reading = datapath.Read();
  if (!reading.ok()) return StrCat("error: ", reading.status().ToString());
  for (const LinkReport& report : reading->links) {
    if (report.side.role != Role::kSend) continue;
    return StrCat("{\"admitted\": ", report.admitted.value,
                  ", \"admitted_packets\": ", report.admitted_packets,
                  ", \"rate_drops\": ", report.drops[SLUICE_DROP_RATE].packets, "}");
  }
  return "error: the link is gone";
}

// argv: accelerator port, fabric port, tunnel device, near prefix, far prefix, pin directory.
absl::Status Start(TcDatapath& datapath, char** argv) {
  DatapathConfig config;
  config.accelerator_port = argv[1];
  config.fabric_ports = {argv[2]};
  config.tunnel_device = argv[3];
  config.pin_directory = argv[6];
  config.tunnel_port = 51820;
  config.control_port = 51821;
  config.tunnel_mark = 0x51;
  config.shaper = "htb";
  SLUICE_RETURN_IF_ERROR(datapath.Start(config).status());
  SLUICE_ASSIGN_OR_RETURN(const IpPrefix near, ParseIpPrefix(argv[4]));
  SLUICE_ASSIGN_OR_RETURN(const IpPrefix far, ParseIpPrefix(argv[5]));
  SLUICE_RETURN_IF_ERROR(datapath.SetOwnPrefixes({near}));
  return datapath.SetRoutes({{far, kSend}, {far, kReceive}});
}

absl::Status Run(char** argv) {
  SLUICE_ASSIGN_OR_RETURN(auto routes, RtnetlinkRouteTable::Open());
  SLUICE_ASSIGN_OR_RETURN(auto tc, RtnetlinkTrafficControl::Open());
  Values values;
  const SystemClock clock;
  TcDatapath datapath(std::make_unique<TcShaper>(std::move(routes), std::move(tc),
                                                 [&](BitRate rate, Bytes burst, int mtu) {
                                                   return Override(values,
                                                                   PlanHtb(rate, burst, mtu), rate);
                                                 }),
                      clock);
  SLUICE_RETURN_IF_ERROR(Start(datapath, argv));
  std::cout << "ready" << std::endl;
  uint64_t sequence = 0;
  for (std::string line; std::getline(std::cin, line);) {
    std::istringstream words(line);
    std::string command;
    words >> command;
    if (command == "set") {
      values = ParseValues(words);
      // A class of its own for each measurement, with nothing queued.
      SLUICE_RETURN_IF_ERROR(datapath.Close(kSend).status());
      const absl::Status status = ApplyBoth(datapath, values, ++sequence);
      std::cout << (status.ok() ? "ok" : StrCat("error: ", status.ToString())) << std::endl;
    } else {
      std::cout << Stat(datapath) << std::endl;
    }
  }
  return datapath.Remove();
}

}  // namespace
}  // namespace sluice

int main(int argc, char** argv) {
  if (argc != 7) {
    std::cerr << "usage: sluice-shaper-bench ACC_PORT FABRIC_PORT TUNNEL_DEVICE NEAR_PREFIX "
                 "FAR_PREFIX PIN_DIRECTORY\n";
    return 2;
  }
  const absl::Status status = sluice::Run(argv);
  if (!status.ok()) std::cerr << status << "\n";
  return status.ok() ? 0 : 1;
}
