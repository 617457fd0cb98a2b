// A core that remembers what it was asked and answers what a test has set, and a
// runner that runs tasks on the caller's thread.
#ifndef SLUICE_CONTROLLER_WEB_CORE_FAKE_H_
#define SLUICE_CONTROLLER_WEB_CORE_FAKE_H_

#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_runner.h"

namespace sluice {

class CoreFake final : public ControllerCore {
 public:
  std::vector<NodeView> nodes;
  std::vector<QuotaView> quotas;
  std::vector<LeaseView> leases;
  std::vector<LinkView> links;
  std::vector<RevocationView> revocations;
  std::vector<StopView> stops;
  EventPage events;
  EventFilter asked;  // of the last Events()
  ChangeView preview;
  absl::Status answer;              // of every change
  std::vector<std::string> called;  // "revoke a1>b1 because"

  absl::StatusOr<agent::v1::EnrolReply> Enrol(const IpAddress&, const agent::v1::EnrolRequest&,
                                              Effects&) override {
    return absl::UnimplementedError("not faked");
  }
  absl::StatusOr<std::string> NodeAt(const IpAddress&) const override {
    return absl::UnimplementedError("not faked");
  }
  absl::Status OnMessage(const std::string&, uint64_t, const agent::v1::AgentMessage&,
                         Effects&) override {
    return absl::UnimplementedError("not faked");
  }
  void OnSessionEnd(const std::string&, uint64_t, Effects&) override {}
  void Tick(Effects&) override {}
  void Finish() override {}

  absl::StatusOr<NewNode> AddNode(const std::string& name, const std::string& enclosure,
                                  bool gateway, const std::vector<IpPrefix>& prefixes,
                                  Effects&) override {
    std::string call = StrCat("add ", name, " ", enclosure, gateway ? " gateway" : " node");
    for (const IpPrefix& prefix : prefixes) call = StrCat(call, " ", prefix.ToString());
    SLUICE_RETURN_IF_ERROR(Note(call));
    NodeView node;
    node.name = name;
    node.enclosure = enclosure;
    node.gateway = gateway;
    node.prefixes = prefixes;
    nodes.push_back(node);
    return NewNode{"sluice1.token", absl::Hours(1)};
  }
  absl::Status RemoveNode(const std::string& name, Effects&) override {
    return Note(StrCat("remove ", name));
  }
  absl::Status ReadmitNode(const std::string& name, Effects&) override {
    return Note(StrCat("readmit ", name));
  }
  void Flush(Effects&) override {}
  absl::StatusOr<Quota> SetQuota(Quota quota, Effects&) override {
    SLUICE_RETURN_IF_ERROR(Note(StrCat("set ", quota.scope.ToString(), " ", quota.rate.bps, " ",
                                       quota.burst.value, " ", quota.volume.value)));
    quota.version = 7;
    return quota;
  }
  absl::Status DeleteQuota(const Scope& link, Effects&) override {
    return Note(StrCat("delete ", link.ToString()));
  }
  absl::StatusOr<uint64_t> Revoke(const Scope& scope, const std::string& reason,
                                  Effects&) override {
    SLUICE_RETURN_IF_ERROR(Note(StrCat("revoke ", scope.ToString(), " ", reason)));
    return 5;
  }
  absl::Status Restore(const Scope& scope, Effects&) override {
    return Note(StrCat("restore ", scope.ToString()));
  }

  std::vector<NodeView> Nodes() const override { return nodes; }
  std::vector<QuotaView> Quotas() const override { return quotas; }
  std::vector<LeaseView> Leases() const override { return leases; }
  std::vector<RevocationView> Revocations() const override { return revocations; }
  std::vector<StopView> Stops() const override { return stops; }
  ControllerStatus Status() const override {
    ControllerStatus status;
    status.store = absl::UnavailableError("locked");
    return status;
  }
  std::vector<LinkView> Links(bool all_pairs) const override {
    std::vector<LinkView> out;
    for (const LinkView& link : links)
      if (all_pairs || link.quota) out.push_back(link);
    return out;
  }
  std::optional<LinkView> ViewLink(const LinkName& name) const override {
    for (const LinkView& link : links)
      if (link.link == name) return link;
    return std::nullopt;
  }
  TopologyView topology;
  std::vector<PlanVersion> plans;
  PlanPreview plan_preview;
  absl::StatusOr<PlanVersion> SetPlan(const std::string& text, Effects&) override {
    SLUICE_RETURN_IF_ERROR(Note(StrCat("plan ", text)));
    return PlanVersion{3, 1'700'000'000'000, true, 5, 6, "ab"};
  }
  absl::Status SetWiringPolicy(const Scope& scope, std::optional<WiringPolicy> policy,
                               Effects&) override {
    return Note(StrCat("policy ", scope.ToString(), " ", policy ? PolicyName(*policy) : "none"));
  }
  absl::StatusOr<PlanPreview> PreviewPlan(const std::string& text) const override {
    SLUICE_RETURN_IF_ERROR(const_cast<CoreFake*>(this)->Note(StrCat("preview plan ", text)));
    return plan_preview;
  }
  absl::StatusOr<BitRate> MeasureCapacity(const PortName& port, Effects&) override {
    SLUICE_RETURN_IF_ERROR(Note(StrCat("measure ", port.ToString())));
    return BitRate{1'000};
  }
  TopologyView Topology() const override { return topology; }
  std::vector<PlanVersion> Plans() const override { return plans; }
  absl::StatusOr<std::string> PlanText(uint64_t version) const override {
    if (version == 2) return "graph f {}";
    return absl::NotFoundError("there is no such version");
  }

  EventPage Events(const EventFilter& filter) const override {
    const_cast<CoreFake*>(this)->asked = filter;
    return events;
  }
  uint64_t last_event() const override {
    return events.events.empty() ? 0 : events.events.front().id;
  }
  absl::StatusOr<ChangeView> PreviewQuota(Quota quota) const override {
    return Preview(StrCat("preview ", quota.scope.ToString(), " ", quota.rate.bps));
  }
  absl::StatusOr<ChangeView> PreviewDelete(const Scope& scope) const override {
    return Preview(StrCat("preview delete ", scope.ToString()));
  }
  absl::StatusOr<ChangeView> PreviewRevoke(const Scope& scope) const override {
    return Preview(StrCat("preview revoke ", scope.ToString()));
  }
  std::vector<ControlPeer> ControlPeers() const override { return {}; }

 private:
  absl::StatusOr<ChangeView> Preview(std::string call) const {
    SLUICE_RETURN_IF_ERROR(const_cast<CoreFake*>(this)->Note(std::move(call)));
    return preview;
  }

  absl::Status Note(std::string call) {
    called.push_back(std::move(call));
    return answer;
  }
};

class CoreRunnerFake final : public CoreRunner {
 public:
  CoreFake core;       // touch it only through With() while a server runs
  absl::Status state;  // not OK: no task is run

  absl::Status Run(std::function<void(ControllerCore&, Effects&)> task) override {
    std::lock_guard lock(mutex_);
    if (!state.ok()) return state;
    Effects effects;
    task(core, effects);
    return absl::OkStatus();
  }
  void With(const std::function<void(CoreRunnerFake&)>& change) {
    std::lock_guard lock(mutex_);
    change(*this);
  }

 private:
  std::mutex mutex_;
};

// A link "a1>b1" with a quota and both ends reporting, and "b1>a1" without a quota.
inline std::vector<LinkView> SampleLinks() {
  Quota quota;
  quota.scope = Scope::Link({"a1", "b1"});
  quota.rate = BitRate{100'000'000};
  quota.burst = Bytes{125'000};
  quota.volume = Bytes{(uint64_t{1} << 62) - 1};
  quota.lease_lifetime = absl::Seconds(30);
  quota.version = 3;
  LinkView open;
  open.link = quota.scope.link;
  open.state = LinkView::State::kOpen;
  open.quota = quota;
  open.leased_rate = quota.rate;
  open.used = Bytes{1'500};
  open.left = Bytes{quota.volume.value - 1'500};
  open.outstanding = Bytes{375'000'000};
  open.expires_in = absl::Milliseconds(12'500);
  open.lease_sequence = 9;
  open.drops[SLUICE_DROP_MALFORMED].packets = 4;
  open.sender = EndView{1'500, 1, absl::Milliseconds(100), absl::Seconds(12)};
  open.receiver = EndView{1'400, 1, absl::Milliseconds(50), -absl::Seconds(1)};
  LinkView closed;
  closed.link = {"b1", "a1"};
  closed.why = "no quota is set";
  return {open, closed};
}

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_CORE_FAKE_H_
