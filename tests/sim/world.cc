#include "tests/sim/world.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"

namespace sluice::sim {

World::Node::Node(const TrueTime& now, int64_t rate_ppb) : clock(now, kSecond, rate_ppb) {}

World::World(const Schedule& schedule)
    : schedule_(schedule),
      profile_(ProfileOf(schedule.seed)),
      rng_(schedule.seed ^ 0x5eed),
      controller_clock_(now_, 1'000 * kSecond, profile_.rates_ppb.back()) {
  std::vector<Checker::Node> views;
  for (size_t i = 0; i < profile_.nodes.size(); ++i) {
    Node& node = *nodes_.emplace_back(std::make_unique<Node>(now_, profile_.rates_ppb[i]));
    node.index = static_cast<int>(i);
    node.name = profile_.nodes[i];
    node.clock.Reboot(rng_.Range(1, 1'000) * kSecond);
    views.push_back({node.name, &node.clock, &node.gate});
  }
  const auto index = [&](const std::string& name) {
    return static_cast<int>(std::ranges::find(profile_.nodes, name) - profile_.nodes.begin());
  };
  for (const LinkName& link : profile_.links) ends_.emplace_back(index(link.src), index(link.dst));
  probed_.resize(ends_.size());
  checker_ = std::make_unique<Checker>(now_, profile_.rho_ppb, controller_clock_, std::move(views),
                                       profile_);
  store_ =
      std::make_unique<SimStore>([this](const LinkRecord& record) { checker_->Committed(record); });
  for (size_t i = 0; i < schedule_.actions.size(); ++i)
    Post(schedule_.actions[i].at, EventKind::kAction, static_cast<int64_t>(i));
  StartController();
  for (const auto& node : nodes_) {
    Reboot(*node, 0, false);
    Post(kMillisecond * (node->index + 1), EventKind::kJoin, node->index);
  }
}

World::~World() = default;

Outcome World::Run() {
  while (outcome_.steps < schedule_.steps && !events_.empty() && !checker_->violation()) {
    const Event event = events_.top();
    events_.pop();
    now_ = event.at;
    ++outcome_.steps;
    Step(event);
  }
  outcome_.ended = now_;
  outcome_.violation = checker_->violation();
  return outcome_;
}

void World::Post(TrueTime at, EventKind kind, int64_t a, int64_t b) {
  events_.push({std::max(at, now_), order_++, kind, a, b});
}

int64_t World::Delay() { return profile_.delay + rng_.Range(0, profile_.delay_spread); }

int World::NodeOf(const Event& event) const {
  switch (event.kind) {
    case EventKind::kAgentTick:
    case EventKind::kConnect:
      return static_cast<int>(event.a);
    case EventKind::kToAgent:
    case EventKind::kAgentHangup:
      return sessions_[static_cast<size_t>(event.a - 1)].node;
    default:
      return -1;
  }
}

// A process that stands still does later what it would do now.
bool World::Defer(const Event& event) {
  TrueTime until = 0;
  if (event.kind == EventKind::kToController || event.kind == EventKind::kControllerTick ||
      event.kind == EventKind::kControllerHangup || event.kind == EventKind::kJoin) {
    until = controller_stalled_;
  } else if (const int index = NodeOf(event); index >= 0) {
    const Node& node = *nodes_[static_cast<size_t>(index)];
    until = std::max(node.stalled, node.suspended);
  }
  if (until <= now_) return false;
  checker_->Disturbed();
  Post(until, event.kind, event.a, event.b);
  return true;
}

void World::Step(const Event& event) {
  if (Defer(event)) return;
  const auto index = static_cast<size_t>(event.a);
  const auto node = [&]() -> Node& { return *nodes_[index]; };
  switch (event.kind) {
    case EventKind::kAction:
      return Do(schedule_.actions[index]);
    case EventKind::kToAgent:
      return ToAgent(event.a);
    case EventKind::kToController:
      return ToController(event.a);
    case EventKind::kAgentTick:
      if (event.b == node().tick_generation) AgentTick(node());
      return;
    case EventKind::kControllerTick:
      if (event.b == controller_generation_) ControllerTick();
      return;
    case EventKind::kSend:
      return SendPackets(index);
    case EventKind::kArrive:
      return Arrive(index, static_cast<uint64_t>(event.b));
    case EventKind::kProbe:
      return Probe(index, event.b == 0 ? Role::kSend : Role::kReceive);
    case EventKind::kConnect:
      if (event.b == node().connect_generation) Connect(node());
      return;
    case EventKind::kAgentHangup:
      return AgentHangup(event.a);
    case EventKind::kControllerHangup:
      return ControllerHangup(event.a);
    case EventKind::kStartAgent:
      if (event.b == node().start_generation) StartAgent(node());
      return;
    case EventKind::kStartController:
      if (event.b == controller_generation_) StartController();
      return;
    case EventKind::kJoin:
      if (event.b == node().join_generation) Join(node());
      return;
  }
}

}  // namespace sluice::sim
