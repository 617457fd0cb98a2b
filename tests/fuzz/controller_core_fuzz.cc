// What nodes, and those who have a join token, may say to the controller: no message
// crashes it, and however they lie, no two of its answers contradict its own ledger.
#include <google/protobuf/stubs/logging.h>
#include <spdlog/spdlog.h>

#include <memory>

#include "base/clock.h"
#include "base/crypto.h"
#include "controller/grants/controller_core.h"
#include "controller/store/store_fake.h"
#include "fuzz/message_list.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

using namespace sluice;

namespace {

const LinkName kLink{"a1", "b1"};

class Fleet {
 public:
  Fleet() {
    CoreConfig config;
    config.fleet = "f1";
    config.signing_seed = HkdfSha256("signing", "", "");
    config.endpoint = "192.0.2.1:51819";
    config.control_key = PublicKey{42};
    auto core = ControllerCore::Create(config, store_, clock_);
    Require(core.ok());
    core_ = *std::move(core);
    for (const char* name : {"a1", "b1", "c1"}) Add(name);
    Join(0, "a1", 1);
    Join(1, "b1", 2);
    Quota quota;
    quota.scope = Scope::Link(kLink);
    quota.rate = BitRate{8'000'000};
    quota.burst = Bytes{100'000};
    quota.volume = Bytes{1'000'000};
    quota.lease_lifetime = absl::Seconds(10);
    Require(core_->SetQuota(quota, effects_).ok());
  }

  void Take(const MessageList::Entry& entry) {
    clock_.Advance(absl::Milliseconds(entry.kind >> 2));
    const int size = static_cast<int>(entry.bytes.size());
    if ((entry.kind & 3) == 3) {
      agent::v1::EnrolRequest request;
      if (request.ParseFromArray(entry.bytes.data(), size))
        (void)core_->Enrol(tokens_.back(), request, effects_);
    } else {
      const bool a = (entry.kind & 1) == 0;
      agent::v1::AgentMessage message;
      if (!message.ParseFromArray(entry.bytes.data(), size)) return;
      (void)core_->OnMessage(a ? "a1" : "b1", a ? 1 : 2, message, effects_);
    }
    core_->Flush(effects_);
    core_->Tick(effects_);
    effects_ = Effects();
    for (const LinkView& link : core_->Links(true))
      Require(link.link != kLink || link.quota->volume == Bytes{1'000'000});
    (void)core_->Nodes();
    (void)core_->Leases();
    (void)core_->Revocations();
  }

 private:
  void Add(const std::string& name) {
    const auto prefix = ParseIpPrefix("10." + std::to_string(tokens_.size() + 1) + ".0.0/24");
    const auto added = core_->AddNode(name, "east", false, {*prefix}, effects_);
    Require(added.ok());
    tokens_.push_back(DecodeJoinToken(added->token)->address);
  }
  void Join(size_t token, const std::string& name, uint64_t session) {
    agent::v1::EnrolRequest request;
    request.set_identity_key(std::string(32, static_cast<char>('a' + session)));
    request.set_control_key(std::string(32, static_cast<char>('A' + session)));
    Require(core_->Enrol(tokens_[token], request, effects_).ok());
    agent::v1::AgentMessage message;
    message.mutable_hello()->set_boot_nonce(std::string(16, 'n'));
    message.mutable_hello()->set_tunnel_key(std::string(32, static_cast<char>('t' + session)));
    message.mutable_hello()->set_sent_at_ns(1);
    Require(core_->OnMessage(name, session, message, effects_).ok());
  }

  FakeStore store_;
  FakeClock clock_;
  std::unique_ptr<ControllerCore> core_;
  std::vector<IpAddress> tokens_;
  Effects effects_;
};

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  google::protobuf::SetLogHandler(nullptr);
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  MessageList messages(data, size);
  Fleet fleet;
  while (const auto entry = messages.Next()) fleet.Take(*entry);
  return 0;
}
