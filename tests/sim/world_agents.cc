// The nodes: agent processes, machines and sessions.
#include <algorithm>
#include <utility>

#include "agent/apply/boot.h"
#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "tests/sim/world.h"
#include "wire/lease_codec.h"
#include "wire/report_codec.h"

namespace sluice::sim {
namespace {

constexpr char kRunDirectory[] = "/run";
constexpr char kBootId[] = "/proc/sys/kernel/random/boot_id";
constexpr int64_t kSoon = 20 * kMicrosecond;
constexpr int64_t kLate = 500 * kMicrosecond;  // how late a timer may wake the agent
constexpr int64_t kRestartPause = 500 * kMillisecond;
constexpr size_t kOldMessages = 40;

PublicKey LeaseKey() {
  std::array<uint8_t, 32> seed{};
  seed.fill(7);
  static const PublicKey key = Ed25519PublicKey(Secret32(seed));
  return key;
}

template <typename Queue, typename Message>
int Enqueue(Queue& queue, Message message, bool& duplicate, bool& swap) {
  const int copies = std::exchange(duplicate, false) ? 2 : 1;
  for (int i = 0; i < copies; ++i) queue.push_back(message);
  if (swap && queue.size() > 1 && copies == 1) {
    std::swap(queue[queue.size() - 1], queue[queue.size() - 2]);
    swap = false;
  }
  return copies;
}

}  // namespace

// False if there is no process, or it died over it.
template <typename Call>
bool World::InAgent(Node& node, Call call) {
  if (!node.core) return false;
  if (node.files_fail != 0 && now_ >= node.files_fail) {
    node.files_fail = 0;
    node.disk.FailWrites(absl::OkStatus());
  }
  if (node.tunnel_fails != 0 && now_ >= node.tunnel_fails) {
    node.tunnel_fails = 0;
    node.tunnel_device->fail_with = absl::OkStatus();
  }
  AgentCore::Outbox out;
  try {
    call(*node.core, out);
  } catch (const AgentDied&) {
    NoteGate(node);
    KillAgent(node, now_ + kRestartPause);
    return false;
  }
  NoteGate(node);
  Flush(node, out);
  return true;
}

void World::NoteGate(Node& node) {
  if (std::exchange(node.changes_seen, node.datapath->changes()) == node.datapath->changes())
    return;
  checker_->GateChanged(node.index);
  ProbeEnds(node);
}

void World::StartAgent(Node& node) {
  node.down = false;
  if (!node.address || node.core) return;
  node.datapath = std::make_unique<SimDatapath>(node.gate, node.calls,
                                                [this, &node] { checker_->GateBegan(node.index); });
  node.changes_seen = 0;
  bool started = false;
  try {
    started = StartCore(node);
  } catch (const AgentDied&) {
  }
  NoteGate(node);
  if (!started) return KillAgent(node, now_ + kRestartPause);
  Post(now_ + kSoon, EventKind::kAgentTick, node.index, ++node.tick_generation);
  ConnectLater(node, Delay());
}

// As the daemon does it (apps/agent).
bool World::StartCore(Node& node) {
  const auto random = [this](std::span<uint8_t> out) { rng_.Fill(out); };
  auto booted = StartDatapath(node.files, kRunDirectory, *node.datapath, {}, random);
  if (!booted.ok()) return false;
  checker_->AgentStarted(node.index, booted->nonce);
  MakeCore(node, booted->nonce);
  const absl::Status started = node.core->Start();
  if (!absl::IsDataLoss(started)) return started.ok();
  booted = StartNewBoot(node.files, kRunDirectory, *node.datapath, {}, random);
  if (!booted.ok()) return false;
  checker_->AgentStarted(node.index, booted->nonce);
  MakeCore(node, booted->nonce);
  return node.core->Start().ok();
}

// A node that leaves and joins again is another.
Secret32 World::IdentityOf(const Node& node) {
  std::array<uint8_t, 32> seed{};
  seed[0] = static_cast<uint8_t>(node.index + 1);
  seed[1] = static_cast<uint8_t>(node.keys + 1);
  return Secret32(seed);
}

void World::MakeCore(Node& node, const BootNonce& nonce) {
  AgentCoreConfig config;
  config.fleet = "sim";
  config.node = node.name;
  config.identity = IdentityOf(node);
  config.lease_key = LeaseKey();
  config.boot_nonce = nonce;
  config.version = "sim";
  config.run_directory = kRunDirectory;
  config.fabric_ports = {"fab0"};
  config.tunnel_port = 51820;
  config.random = [this](std::span<uint8_t> out) { rng_.Fill(out); };
  node.core = std::make_unique<AgentCore>(
      config, AgentCore::Parts{node.clock, *node.datapath, *node.tunnel, node.routes, node.files});
}

void World::KillAgent(Node& node, TrueTime start_at) {
  node.core.reset();
  node.datapath.reset();
  node.calls.DieAt(0);
  ++node.tick_generation;
  ++node.connect_generation;
  if (const int64_t id = std::exchange(node.session, 0); id != 0) {
    Session& session = SessionOf(id);
    session.agent_end = false;
    session.down.clear();
    if (!node.down && now_ >= node.partitioned)
      Post(std::max(session.up_at, now_) + Delay(), EventKind::kControllerHangup, id);
  }
  checker_->Disturbed();
  Post(start_at, EventKind::kStartAgent, node.index, ++node.start_generation);
}

void World::Reboot(Node& node, int64_t down_ms, bool keep_files) {
  node.down = true;
  KillAgent(node, now_ + down_ms * kMillisecond);
  node.gate.Reboot();
  checker_->GateBegan(node.index);
  // A machine that boots slowly may show a later time than it did before.
  const int64_t local = node.clock.Now().ns;
  node.clock.Reboot(rng_.Chance(50) ? rng_.Range(1, 20) * kSecond
                                    : local + rng_.Range(0, 2) * kSecond);
  if (!keep_files) node.disk.files.clear();
  node.disk.files[kBootId] = StrCat("boot-", ++node.boots, "\n");
  node.routes = RouteTableFake();
  for (const char* device : {"acc0", "fab0"}) node.routes.AddDevice(device, "veth");
  node.routes.AddDevice("slu0", "wireguard");
  const auto address = ParseIpAddress(StrCat("192.0.2.", node.index + 1)).value();
  (void)node.routes.AddAddress("fab0", {address, 24});
  node.tunnel_device = std::make_shared<TunnelDeviceFake>();
  node.tunnel = std::make_unique<TunnelFake>("slu0", node.tunnel_device);
  TunnelConfig config;
  std::array<uint8_t, 32> key{};
  rng_.Fill(key);
  config.private_key = Secret32(key);
  (void)node.tunnel->Configure(config);
}

// It leaves the fleet and is to join again, with new keys.
void World::Leave(Node& node) {
  KillAgent(node, now_);
  node.gate.Reboot();
  checker_->GateBegan(node.index);
  node.address.reset();
  node.token.reset();
  ++node.keys;
  Post(now_ + Delay(), EventKind::kJoin, node.index, ++node.join_generation);
}

void World::AgentTick(Node& node) {
  if (!InAgent(node, [](AgentCore& core, AgentCore::Outbox& out) { core.Tick(out); })) return;
  if (node.core->TakeReconnect() && node.session != 0) HangUp(node.session, true);
  ScheduleTick(node);
}

void World::ScheduleTick(Node& node) {
  const TrueTime wake = node.clock.TrueAt(node.core->NextWake()) + rng_.Range(0, kLate);
  Post(std::max(wake, now_ + kSoon), EventKind::kAgentTick, node.index, ++node.tick_generation);
}

void World::Flush(Node& node, AgentCore::Outbox& out) {
  for (agent::v1::AgentMessage& message : out) {
    checker_->MessageLeft(node.index, message);
    SendUp(node, std::move(message));
  }
}

void World::ToAgent(int64_t id) {
  Session& session = SessionOf(id);
  Node& node = *nodes_[static_cast<size_t>(session.node)];
  if (session.down.empty() || !session.agent_end || node.session != id) return;
  const agent::v1::ControllerMessage message = std::move(session.down.front());
  session.down.pop_front();
  TellAgent(node, message);
}

void World::TellAgent(Node& node, const agent::v1::ControllerMessage& message) {
  const bool lives =
      InAgent(node, [&](AgentCore& core, AgentCore::Outbox& out) { core.OnMessage(message, out); });
  if (!lives) return;
  Post(now_ + kSoon, EventKind::kAgentTick, node.index, ++node.tick_generation);
  // What could not be written down may be forgotten by the next process.
  if (!message.has_revoke() || node.files_fail != 0) return;
  const auto link = ParseLinkName(message.revoke().link());
  const auto role = FromProto(message.revoke().role());
  if (link.ok() && role.ok()) checker_->RevokeObeyed({*link, *role}, message.revoke().sequence());
  if (!node.held_lease || node.held_link != message.revoke().link()) return;
  const agent::v1::ControllerMessage late = *std::exchange(node.held_lease, std::nullopt);
  TellAgent(node, late);
}

void World::Connect(Node& node) {
  if (!node.core || !node.address || node.session != 0) return;
  const bool answered = core_ != nullptr && now_ >= node.partitioned;
  if (!answered || core_->NodeAt(*node.address).value_or("") != node.name)
    return ConnectLater(node, rng_.Range(100, 2'000) * kMillisecond);
  Session& session = sessions_.emplace_back();
  session.node = node.index;
  node.session = static_cast<int64_t>(sessions_.size());
  checker_->Disturbed();
  if (InAgent(node, [](AgentCore& core, AgentCore::Outbox& out) { core.OnConnected(out); }))
    Post(now_ + kSoon, EventKind::kAgentTick, node.index, ++node.tick_generation);
}

void World::ConnectLater(Node& node, int64_t delay) {
  Post(now_ + delay, EventKind::kConnect, node.index, ++node.connect_generation);
}

void World::AgentHangup(int64_t id) {
  if (SessionOf(id).agent_end) HangUp(id, true);
}

// The agent's end of the session is no more; the other end hears of it, or not.
void World::HangUp(int64_t id, bool told) {
  Session& session = SessionOf(id);
  Node& node = *nodes_[static_cast<size_t>(session.node)];
  session.agent_end = false;
  session.down.clear();
  if (told && now_ >= node.partitioned)
    Post(std::max(session.up_at, now_) + Delay(), EventKind::kControllerHangup, id);
  checker_->Disturbed();
  if (node.session != id) return;
  node.session = 0;
  InAgent(node, [](AgentCore& core, AgentCore::Outbox&) { core.OnDisconnected(); });
  if (node.core) ConnectLater(node, rng_.Range(100, 500) * kMillisecond);
}

void World::SendUp(Node& node, agent::v1::AgentMessage message) {
  node.old_messages.push_back(message);
  if (node.old_messages.size() > kOldMessages) node.old_messages.pop_front();
  if (node.session == 0) return;
  Session& session = SessionOf(node.session);
  Mischief& mischief = node.mischief[1];
  if (mischief.duplicate || mischief.swap) checker_->ReportsRepeated(node.index);
  const int copies = Enqueue(session.up, std::move(message), mischief.duplicate, mischief.swap);
  session.up_at = std::max({session.up_at, now_ + Delay(), node.partitioned});
  for (int i = 0; i < copies; ++i) Post(session.up_at, EventKind::kToController, node.session);
}

void World::SendDown(Node& node, agent::v1::ControllerMessage message) {
  if (node.heard_session == 0) return;
  Session& session = SessionOf(node.heard_session);
  Mischief& mischief = node.mischief[0];
  const int copies = Enqueue(session.down, std::move(message), mischief.duplicate, mischief.swap);
  session.down_at = std::max({session.down_at, now_ + Delay(), node.partitioned});
  for (int i = 0; i < copies; ++i) Post(session.down_at, EventKind::kToAgent, node.heard_session);
}

}  // namespace sluice::sim
