#include "controller/grants/engine.h"

#include <algorithm>
#include <future>
#include <memory>
#include <utility>

#include "spdlog/spdlog.h"

namespace sluice {
namespace {

constexpr absl::Duration kTick = absl::Milliseconds(20);
// Events that share a commit: more would make the first of them wait for too long.
constexpr size_t kMostTogether = 512;

}  // namespace

Engine::Engine(ControllerCore& core, Outside& outside, const Clock& clock, size_t queue_capacity)
    : core_(core), outside_(outside), clock_(clock), queue_(queue_capacity) {}

Engine::~Engine() { Stop(); }

void Engine::Start() {
  thread_ = std::thread([this] { Loop(); });
}

void Engine::Stop() {
  queue_.Close();
  if (thread_.joinable()) thread_.join();
}

bool Engine::Post(Event event, Done done) {
  return queue_.Push(Item{std::move(event), std::move(done)});
}

absl::Status Engine::Run(Event event) {
  auto ran = std::make_shared<std::promise<void>>();
  std::future<void> future = ran->get_future();
  if (!queue_.Push(Item{std::move(event), [ran] { ran->set_value(); }, /*alone=*/true}))
    return absl::UnavailableError("the controller is busy or stopping; try again");
  future.wait();
  return absl::OkStatus();
}

void Engine::Loop() {
  BootTime next_tick = clock_.Now();
  while (true) {
    const absl::Duration wait = std::max(next_tick - clock_.Now(), absl::ZeroDuration());
    std::optional<Item> item = queue_.PopFor(wait);
    if (item) {
      Serve(*std::move(item));
    } else if (queue_.closed()) {
      core_.Finish();
      return;
    }
    if (clock_.Now() < next_tick) continue;
    next_tick = clock_.Now() + kTick;
    Tick();
  }
}

// `item` and what else waits, with one commit for all that they were granted.
void Engine::Serve(Item item) {
  Effects effects;
  std::vector<Done> done;
  std::optional<Item> next = std::move(item);
  while (next && !next->alone) {
    next->event(core_, effects);
    done.push_back(std::move(next->done));
    next = done.size() < kMostTogether ? queue_.PopFor(absl::ZeroDuration()) : std::nullopt;
  }
  core_.Flush(effects);
  Carry(std::move(effects));
  for (const Done& call : done) {
    if (call) call();
  }
  if (!next) return;
  Effects own;
  next->event(core_, own);
  core_.Flush(own);
  Carry(std::move(own));
  if (next->done) next->done();
}

void Engine::Tick() {
  Effects effects;
  core_.Tick(effects);
  effects.control_peers_changed |= peers_due_;
  Carry(std::move(effects));
}

void Engine::Carry(Effects effects) {
  // Peers first: who is answered may use its new tunnel at once.
  if (effects.control_peers_changed) SyncPeers();
  for (Effects::Send& send : effects.sends) outside_.Send(send.node, std::move(send.message));
  for (const Effects::EndSession& end : effects.end_sessions)
    outside_.EndSession(end.node, end.session, end.reason);
}

void Engine::SyncPeers() {
  const absl::Status status = outside_.SyncControlPeers(core_.ControlPeers());
  if (!status.ok() && !peers_failing_)
    spdlog::error("control tunnel: {}", std::string(status.message()));
  peers_due_ = peers_failing_ = !status.ok();
}

}  // namespace sluice
