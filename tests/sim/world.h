// A whole fleet in one thread: the real controller and agent cores on fakes, an
// event queue, and a checker that looks at every step.
#ifndef SLUICE_TESTS_SIM_WORLD_H_
#define SLUICE_TESTS_SIM_WORLD_H_

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

#include "agent/apply/agent_core.h"
#include "controller/grants/controller_core.h"
#include "os/netlink/route_table_fake.h"
#include "tests/sim/checker.h"
#include "tests/sim/crash_points.h"
#include "tests/sim/machine_clock.h"
#include "tests/sim/rng.h"
#include "tests/sim/schedule.h"
#include "tunnel/fake/tunnel_fake.h"

namespace sluice::sim {

struct Outcome {
  uint64_t steps = 0;
  TrueTime ended = 0;
  uint64_t leases = 0;   // that left the controller
  uint64_t packets = 0;  // that a gate admitted
  std::optional<Violation> violation;
};

// One run. Deterministic: the same schedule ends in the same outcome.
class World {
 public:
  explicit World(const Schedule& schedule);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  Outcome Run();

 private:
  enum class EventKind {
    kAction,
    kToAgent,
    kToController,
    kAgentTick,
    kControllerTick,
    kSend,
    kArrive,
    kProbe,
    kConnect,
    kAgentHangup,
    kControllerHangup,
    kStartAgent,
    kStartController,
    kJoin,
  };
  struct Event {
    TrueTime at = 0;
    uint64_t order = 0;
    EventKind kind = EventKind::kAction;
    int64_t a = 0;  // action, session, node, flow or link
    int64_t b = 0;  // generation, bytes or role
    friend bool operator>(const Event& x, const Event& y) {
      return x.at != y.at ? x.at > y.at : x.order > y.order;
    }
  };

  // A standing stream of messages between a node and the controller.
  struct Session {
    int node = 0;
    bool agent_end = true;
    bool controller_end = true;
    std::deque<agent::v1::AgentMessage> up;
    std::deque<agent::v1::ControllerMessage> down;
    TrueTime up_at = 0;  // when the last message under way arrives
    TrueTime down_at = 0;
  };
  // What is done to the next message of a direction.
  struct Mischief {
    bool duplicate = false;
    bool swap = false;
  };
  struct Node {
    Node(const TrueTime& now, int64_t rate_ppb);
    int index = 0;
    std::string name;
    MachineClock clock;
    FakeGate gate{clock};
    FilesFake disk;
    CallCounter calls;
    SimFiles files{disk, calls};
    RouteTableFake routes;
    std::shared_ptr<TunnelDeviceFake> tunnel_device;
    std::unique_ptr<TunnelFake> tunnel;
    std::unique_ptr<SimDatapath> datapath;
    std::unique_ptr<AgentCore> core;
    int changes_seen = 0;
    int boots = 0;
    int keys = 0;
    std::optional<IpAddress> token;    // of the enrolment under way
    std::optional<IpAddress> address;  // inside the control tunnel, once enrolled
    int64_t session = 0;               // the agent's; 0: none
    int64_t heard_session = 0;         // the controller's; 0: none
    int64_t tick_generation = 0;
    int64_t start_generation = 0;
    int64_t connect_generation = 0;
    int64_t join_generation = 0;
    bool down = false;         // the machine is off
    TrueTime partitioned = 0;  // until then
    TrueTime stalled = 0;
    TrueTime suspended = 0;
    TrueTime files_fail = 0;
    TrueTime tunnel_fails = 0;
    std::array<Mischief, 2> mischief;  // towards the agent, towards the controller
    bool hold_lease = false;
    std::optional<agent::v1::ControllerMessage> held_lease;
    std::string held_link;
    std::deque<agent::v1::SignedLease> old_leases;
    std::deque<agent::v1::AgentMessage> old_messages;
  };
  struct Flow {
    int link = 0;
    TrueTime until = 0;
    int64_t gap = 0;
    uint64_t bytes = 0;
    int packets = 1;
  };

  // world.cc: time and events
  void Post(TrueTime at, EventKind kind, int64_t a, int64_t b = 0);
  void Step(const Event& event);
  int NodeOf(const Event& event) const;
  bool Defer(const Event& event);
  int64_t Delay();

  // world_packets.cc
  void BeginFlow(const Action& action);
  void SendPackets(size_t flow);
  void Arrive(size_t link, uint64_t bytes);
  void Probe(size_t link, Role role);
  void ProbeEnds(Node& node);

  // world_controller.cc
  template <typename Call>
  bool InController(Call call);
  void StartController();
  void CrashController(int64_t down_ms, bool reboot);
  void Carry(Effects effects);
  void CarrySend(Effects::Send& send);
  void ToController(int64_t session);
  void ControllerTick();
  void ControllerHangup(int64_t session);
  void Join(Node& node);
  void FlushController();
  void SetQuota(const Action& action);
  void SetScopeQuota(const Action& action);
  void SetQuota(const Quota& quota);
  void DeleteQuota(const Scope& scope);
  void ChangeLink(const Action& action);
  void ChangeScope(const Action& action);
  void RemoveNode(Node& node);

  // world_agents.cc
  template <typename Call>
  bool InAgent(Node& node, Call call);
  void NoteGate(Node& node);
  void StartAgent(Node& node);
  bool StartCore(Node& node);
  static Secret32 IdentityOf(const Node& node);
  void MakeCore(Node& node, const BootNonce& nonce);
  void KillAgent(Node& node, TrueTime start_at);
  void Reboot(Node& node, int64_t down_ms, bool keep_files);
  void Leave(Node& node);
  void AgentTick(Node& node);
  void ScheduleTick(Node& node);
  void Flush(Node& node, AgentCore::Outbox& out);
  void ToAgent(int64_t session);
  void TellAgent(Node& node, const agent::v1::ControllerMessage& message);
  void Connect(Node& node);
  void ConnectLater(Node& node, int64_t delay);
  void AgentHangup(int64_t session);
  void HangUp(int64_t session, bool told);
  void SendUp(Node& node, agent::v1::AgentMessage message);
  void SendDown(Node& node, agent::v1::ControllerMessage message);
  Session& SessionOf(int64_t id) { return sessions_[static_cast<size_t>(id - 1)]; }

  // world_actions.cc
  void Do(const Action& action);
  void DoToNode(const Action& action, Node& node);
  void DoToController(const Action& action);
  void Partition(Node& node, int64_t ms);
  void FailGate(Node& node, int64_t which, int64_t times);
  void ReplayReport(Node& node, int64_t back);
  void ReplayLease(Node& node, int64_t back);
  void ForgeLease(Node& node, int64_t how);

  const Schedule& schedule_;
  const Profile profile_;
  TrueTime now_ = 0;
  Rng rng_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  uint64_t order_ = 0;
  std::vector<std::unique_ptr<Node>> nodes_;
  std::vector<std::pair<int, int>> ends_;        // of each link
  std::vector<std::array<BootTime, 2>> probed_;  // of each link's sides: leases with these ends
  std::deque<Session> sessions_;
  size_t first_session_ = 0;  // those before it ended when the controller died
  std::vector<Flow> flows_;
  MachineClock controller_clock_;
  std::unique_ptr<Checker> checker_;
  std::unique_ptr<SimStore> store_;
  std::unique_ptr<ControllerCore> core_;
  int machine_boots_ = 1;
  int64_t controller_generation_ = 0;
  TrueTime controller_stalled_ = 0;
  int64_t down_after_crash_ms_ = 500;
  std::optional<int64_t> sends_before_crash_;
  Outcome outcome_;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_WORLD_H_
