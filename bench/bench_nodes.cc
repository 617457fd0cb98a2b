#include "bench/bench_nodes.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

namespace sluice {
namespace {

// A key or a nonce that says whose it is.
template <size_t kSize>
std::array<uint8_t, kSize> Marked(uint32_t node, uint8_t kind) {
  return {static_cast<uint8_t>(node), static_cast<uint8_t>(node >> 8), kind};
}

}  // namespace

std::string BenchNodeName(uint32_t node) { return StrCat("n", node); }

CoreConfig BenchCoreConfig() {
  CoreConfig config;
  config.fleet = "bench";
  config.signing_seed = Secret32(Marked<32>(0, 1));
  config.endpoint = "192.0.2.1:51819";
  config.control_key = Marked<32>(0, 2);
  config.session_timeout = absl::Hours(1);
  return config;
}

Quota BenchQuota(const LinkName& link) {
  Quota quota;
  quota.scope = Scope::Link(link);
  quota.version = 1;
  quota.rate = BitRate{1'000'000'000};
  quota.burst = Bytes{1'000'000};
  quota.volume = Bytes{uint64_t{1} << 60};
  quota.lease_lifetime = absl::Seconds(30);
  return quota;
}

absl::Status JoinBenchNode(ControllerCore& core, uint32_t node, const std::string& enclosure) {
  Effects effects;
  SLUICE_ASSIGN_OR_RETURN(const IpPrefix prefix,
                          ParseIpPrefix(StrCat("10.", node >> 8, ".", node & 255, ".0/24")));
  SLUICE_ASSIGN_OR_RETURN(const auto added,
                          core.AddNode(BenchNodeName(node), enclosure, false, {prefix}, effects));
  SLUICE_ASSIGN_OR_RETURN(const JoinToken token, DecodeJoinToken(added.token));
  agent::v1::EnrolRequest request;
  request.set_identity_key(ToWireBytes(Marked<32>(node, 3)));
  request.set_control_key(ToWireBytes(Marked<32>(node, 4)));
  return core.Enrol(token.address, request, effects).status();
}

absl::Status SayBenchHello(ControllerCore& core, uint32_t node, BootTime now) {
  agent::v1::AgentMessage message;
  agent::v1::Hello& hello = *message.mutable_hello();
  BootNonce boot = Marked<16>(node, 5);
  std::copy_n(reinterpret_cast<const uint8_t*>(&now.ns), sizeof(now.ns), boot.begin() + 8);
  hello.set_boot_nonce(ToWireBytes(boot));
  hello.set_version("bench");
  hello.set_tunnel_key(ToWireBytes(Marked<32>(node, 6)));
  hello.add_fabric_endpoints("192.0.2.7:51820");
  hello.set_sent_at_ns(now.ns);
  Effects effects;
  return core.OnMessage(BenchNodeName(node), 1, message, effects);
}

absl::Status StoreBenchQuotas(Store& store, const std::vector<LinkName>& links) {
  Batch batch;
  for (const LinkName& link : links) {
    LinkRecord& record = batch.links.emplace_back();
    record.link = link;
    record.quota = BenchQuota(link);
  }
  return store.Commit(batch);
}

}  // namespace sluice
