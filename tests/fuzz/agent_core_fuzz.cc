// What a controller may say to an agent: no message crashes it, and none opens a gate
// without the fleet's signature under it.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include "agent/apply/agent_core.h"
#include "agent/apply/boot.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "datapath/fake/fake_datapath.h"
#include "fuzz/message_list.h"
#include "os/files/files_fake.h"
#include "os/netlink/route_table_fake.h"
#include "tunnel/fake/tunnel_fake.h"

using namespace sluice;

namespace {

class Node {
 public:
  Node() {
    files_.files["/proc/sys/kernel/random/boot_id"] = "boot-1\n";
    for (const char* port : {"acc0", "fab0"}) routes_.AddDevice(port, "veth");
    routes_.AddDevice("slu0", "wireguard");
    TunnelConfig tunnel;
    tunnel.private_key = HkdfSha256("tunnel", "", "");
    Require(tunnel_.Configure(tunnel).ok());
    const auto random = [this](std::span<uint8_t> out) {
      for (uint8_t& byte : out) byte = static_cast<uint8_t>(++random_);
    };
    const auto booted = StartDatapath(files_, "/run", datapath_, {}, random);
    Require(booted.ok());
    AgentCoreConfig config;
    config.fleet = "f1";
    config.node = "a1";
    config.identity = HkdfSha256("identity", "", "");
    config.lease_key = Ed25519PublicKey(HkdfSha256("nobody has it", "", ""));
    config.boot_nonce = booted->nonce;
    config.run_directory = "/run";
    config.state_directory = "/state";
    config.fabric_ports = {"fab0"};
    config.random = random;
    core_.emplace(config, AgentCore::Parts{clock_, datapath_, tunnel_, routes_, files_});
    Require(core_->Start().ok());
    core_->OnConnected(out_);
  }

  void Take(const MessageList::Entry& entry) {
    agent::v1::ControllerMessage message;
    if (message.ParseFromArray(entry.bytes.data(), static_cast<int>(entry.bytes.size())))
      core_->OnMessage(message, out_);
    clock_.Advance(absl::Milliseconds(entry.kind));
    core_->Tick(out_);
    out_.clear();
    const auto reading = datapath_.Read();
    Require(reading.ok());
    for (const LinkReport& report : reading->links) Require(!IsOpen(report));
    Require(device_->peers.empty());
  }

 private:
  uint64_t random_ = 0;
  FakeClock clock_;
  FakeGate gate_{clock_};
  FakeDatapath datapath_{gate_};
  std::shared_ptr<TunnelDeviceFake> device_ = std::make_shared<TunnelDeviceFake>();
  TunnelFake tunnel_{"slu0", device_};
  RouteTableFake routes_;
  FilesFake files_;
  std::optional<AgentCore> core_;
  AgentCore::Outbox out_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MessageList messages(data, size);
  Node node;
  while (const auto entry = messages.Next()) node.Take(*entry);
  return 0;
}
