// The core's state and the steps that its events are made of. Each group of
// functions has a file: core_load, core_nodes, core_sessions, core_reports,
// core_grants, core_scopes, core_stops, core_quotas, core_tamper, core_keys, core_events,
// core_previews, core_wiring, core_flows, core_config, core_views.
#ifndef SLUICE_CONTROLLER_GRANTS_CORE_IMPL_H_
#define SLUICE_CONTROLLER_GRANTS_CORE_IMPL_H_

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/crypto.h"
#include "controller/grants/controller_core.h"
#include "controller/policy/flow.h"
#include "controller/policy/grant.h"
#include "controller/policy/mismatch.h"
#include "controller/policy/scope.h"
#include "controller/store/store_interface.h"
#include "controller/topology/topology.h"
#include "model/ledger.h"

namespace sluice {

// With less than that left, refused packets say that a volume is used up.
inline constexpr Bytes kLargestPacket{64 << 10};

// The verdict of findings about bytes, not wires.
inline constexpr char kUnaccounted[] = "unaccounted";

class CoreImpl final : public ControllerCore {
 public:
  CoreImpl(CoreConfig config, Store& store, const Clock& clock);
  absl::Status Start();

  absl::StatusOr<agent::v1::EnrolReply> Enrol(const IpAddress& address,
                                              const agent::v1::EnrolRequest& request,
                                              Effects& effects) override;
  absl::StatusOr<std::string> NodeAt(const IpAddress& address) const override;
  absl::Status OnMessage(const std::string& node, uint64_t session,
                         const agent::v1::AgentMessage& message, Effects& effects) override;
  void OnSessionEnd(const std::string& node, uint64_t session, Effects& effects) override;
  void Flush(Effects& effects) override;
  void Tick(Effects& effects) override;
  void Finish() override { FlushDirty(); }

  absl::StatusOr<NewNode> AddNode(const std::string& name, const std::string& enclosure,
                                  bool gateway, const std::vector<IpPrefix>& prefixes,
                                  Effects& effects) override;
  absl::Status RemoveNode(const std::string& name, Effects& effects) override;
  absl::Status ReadmitNode(const std::string& name, Effects& effects) override;
  absl::StatusOr<Quota> SetQuota(Quota quota, Effects& effects) override;
  absl::Status DeleteQuota(const Scope& scope, Effects& effects) override;
  absl::StatusOr<uint64_t> Revoke(const Scope& scope, const std::string& reason,
                                  Effects& effects) override;
  absl::Status Restore(const Scope& scope, Effects& effects) override;

  EventPage Events(const EventFilter& filter) const override;
  uint64_t last_event() const override;
  absl::StatusOr<ChangeView> PreviewQuota(Quota quota) const override;
  absl::StatusOr<ChangeView> PreviewDelete(const Scope& scope) const override;
  absl::StatusOr<ChangeView> PreviewRevoke(const Scope& scope) const override;
  absl::StatusOr<PlanVersion> SetPlan(const std::string& text, Effects& effects) override;
  absl::Status SetWiringPolicy(const Scope& scope, std::optional<WiringPolicy> policy,
                               Effects& effects) override;
  absl::StatusOr<BitRate> MeasureCapacity(const PortName& port, Effects& effects) override;
  absl::StatusOr<PlanPreview> PreviewPlan(const std::string& text) const override;
  TopologyView Topology() const override;
  std::vector<PlanVersion> Plans() const override;
  absl::StatusOr<std::string> PlanText(uint64_t version) const override;
  ControllerStatus Status() const override;
  std::vector<NodeView> Nodes() const override;
  std::vector<QuotaView> Quotas() const override;
  std::vector<LeaseView> Leases() const override;
  std::vector<RevocationView> Revocations() const override;
  std::vector<StopView> Stops() const override;
  std::vector<LinkView> Links(bool all_pairs) const override;
  std::optional<LinkView> ViewLink(const LinkName& name) const override;
  std::vector<ControlPeer> ControlPeers() const override;

 private:
  // A node's connection. Instants named _sent are the node's, others ours.
  struct Session {
    uint64_t id = 0;
    BootNonce boot{};
    BootTime began;
    BootTime heard;          // any message
    BootTime wired;          // the last report of its wires
    BootTime beat_arrived;   // the last message that says when it was sent …
    BootTime beat_sent;      // … and what it says
    BootTime previous_sent;  // of the one before: counts in the last one are younger
    std::optional<BootTime> heartbeat_at{};  // the last one, which tells what other messages do not
  };
  struct Node {
    NodeRecord record;
    bool dirty = false;  // differs from the store in what may be lost
    std::optional<Session> session;
    BootTime spoke;     // any message of any session; or until when it has time to connect
    bool dark = false;  // silent for too long since
    // What it last said, kept after the session for people to read.
    std::optional<BootTime> heard;
    std::string version;
    std::vector<CapabilityView> capabilities;
    uint64_t applied_generation = 0;
    std::vector<std::string> faults;
    std::optional<BootTime> fault_noted_at;
    std::set<std::string> noted_faults;
    Drops unattributed{};
    FlowJudge flow;            // of its session
    Traffic admitted;          // as its reports told this controller, on links that it sends on
    agent::v1::Config config;  // as last built, generation included
    std::set<LinkName> links;  // those in links_ that have this node as an end
  };
  // One end of a link, as it last reported.
  struct End {
    std::optional<LinkReport> report;
    BootTime at;
    BootTime revoked_at;  // when a Revoke was last repeated
  };
  // A scope that has a quota and is no link.
  struct Budget {
    ScopeRecord record;
    bool dirty = false;  // may differ from the store: must go there with any link's record
    ScopeSums sums;      // over the links in it
    uint64_t claimants = 0;
  };
  struct Share {
    BitRate rate;
    Bytes burst;
  };
  struct Link {
    LinkRecord record;
    bool dirty = false;    // differs from the store in what may be lost
    bool pending = false;  // has a PendingGrant
    End sender;
    End receiver;
    // Refused for their volume when the last grant raised the limit, and when it last left
    // room for any packet: a scope that runs low raises limits by less and less.
    uint64_t volume_drops_at_grant = 0;
    uint64_t volume_drops_when_roomy = 0;
    // Scopes around it that have a quota, and what it is charged in their sums.
    std::vector<Budget*> budgets;
    LinkCharge charge;
    std::optional<BootTime> asked;
    std::optional<Bytes> reported_at_grant;
    std::optional<Share> share;  // as of the last SetShares
    Comparison comparison;       // of what both ends count
    bool exhausted = false;      // as last noted, as the next
    bool mismatch = false;
  };
  // A grant that is in its link's record and not yet in the store.
  struct PendingGrant {
    LinkName link;
    LinkRecord before;
    std::string request_id;
    agent::v1::SignedLease send;
    std::optional<agent::v1::SignedLease> receive;
  };
  // One end of a link that had a lease when it was revoked.
  struct Silence {
    LinkSide side;
    uint64_t sequence = 0;  // of that lease
    LedgerTime dead_at;
    std::optional<BootTime> silent_at;
    bool by_expiry = false;
  };
  struct Revocation {
    uint64_t id = 0;
    Scope scope;
    std::string reason;
    BootTime at;
    std::vector<Silence> ends;
    size_t loud = 0;  // ends without silent_at
  };
  // The newest epoch of keys between two nodes that have a lease.
  using NodePair = std::pair<std::string, std::string>;  // in alphabetical order
  struct KeyPair {
    uint64_t epoch = 0;
    BootTime began;
    std::array<bool, 2> switched{};  // which of the nodes send under it
    Bytes carried;                   // by both links, when it began
    bool done() const { return switched[0] && switched[1]; }
  };
  // A removed node, whose tunnel stays up until the last words have arrived.
  struct Leaving {
    ControlPeer peer;
    BootTime until;
  };

  // core_load
  absl::Status TakeFleet(const FleetRecord& stored);
  void TakeRecords(StoredState state);
  LedgerTime Now() const;
  FleetRecord FleetNow() const;
  // Adds what must be stored with it, and the ledger's time when it is due. On failure nothing
  // changed.
  absl::Status Commit(Batch batch);
  void AddDueScopes(Batch& batch) const;
  void AddRefusedNodes(Batch& batch) const;
  void NoteScopes(const Batch& batch, bool stored);
  void AddLinks(Batch& batch) const;
  void FlushDirty();
  void ForgetOldTokens(Effects& effects);
  void EndSilentSessions(Effects& effects);
  // A stall of this process (a slow disk) is not the nodes' silence.
  void ForgiveStall();

  // core_nodes
  absl::Status CheckPrefixes(const std::string& node, bool gateway,
                             const std::vector<IpPrefix>& prefixes) const;
  absl::StatusOr<NodeRecord> NodeForToken(const std::string& name, const std::string& enclosure,
                                          bool gateway, const std::vector<IpPrefix>& prefixes,
                                          FleetRecord& fleet) const;
  absl::Status CheckTokenUsable(const TokenRecord& token) const;
  absl::StatusOr<NodeRecord> Enrolled(const TokenRecord& token,
                                      const agent::v1::EnrolRequest& request) const;
  absl::Status CheckKeyIsFree(const PublicKey& key, const std::string& node) const;
  agent::v1::EnrolReply ReplyFor(const NodeRecord& node) const;
  void EndSession(Node& node, absl::Status reason, Effects& effects);

  // core_sessions
  absl::Status OnHello(Node& node, uint64_t session, const agent::v1::Hello& hello,
                       Effects& effects);
  absl::Status TakeHelloRecord(Node& node, const agent::v1::Hello& hello);
  absl::Status OnHeartbeat(Node& node, const agent::v1::Heartbeat& heartbeat, Effects& effects);
  absl::Status OnLeaseClosed(Node& node, const agent::v1::LeaseClosed& closed, Effects& effects);
  absl::Status NoteBeat(Session& session, int64_t sent_at_ns);

  // core_reports
  using Reports = google::protobuf::RepeatedPtrField<agent::v1::LinkReport>;
  absl::StatusOr<LinkReport> ParseReport(const Node& node,
                                         const agent::v1::LinkReport& proto) const;
  absl::StatusOr<std::vector<LinkReport>> ParseReports(const Node& node,
                                                       const Reports& reports) const;
  void TakeReport(Node& node, const LinkReport& report, Effects& effects);
  void TakeSenderReport(const Session& session, Link& link, const LinkReport& report);
  void TakeReceiverReport(const Session& session, Link& link, const LinkReport& report);
  // Whether both ends' counts agree, as far as their reports are of one time.
  void Compare(Link& link);
  std::optional<EndCounts> CountsOf(const Link& link) const;
  void TakeUnknownLease(const Session& session, Link& link, const LinkReport& report);
  void TakeReboots(Node& node, const std::vector<LinkReport>& reports);
  void RepeatRecalls(Node& node, Effects& effects);
  void RepeatRevoke(Node& node, End& end, const LinkSide& side, uint64_t upto, Effects& effects);

  // core_grants
  absl::Status OnLeaseRequest(Node& node, const agent::v1::LeaseRequest& request, Effects& effects);
  void Decide(Node& node, Link& link, const agent::v1::LeaseRequest& request, const RequestId& id,
              Effects& effects);
  // Why a request that was seen before, or an older one, gets no new lease; or
  // its old lease again. False if it is a new request.
  bool AnswerRepeated(Node& node, Link& link, const agent::v1::LeaseRequest& request,
                      const RequestId& id, Effects& effects);
  void Release(PendingGrant grant, Effects& effects);
  void TakeBack(const PendingGrant& grant, const absl::Status& why, Effects& effects);
  bool Alive(const IssuedLease& lease) const;
  bool Recalling(const LinkRecord& record) const;
  // Add the sender's or the receiver's lease to `record`; what to send.
  agent::v1::SignedLease IssueSend(LinkRecord& record, const Grant& grant, const Session& session,
                                   BootTime sent_at) const;
  std::optional<agent::v1::SignedLease> IssueReceive(LinkRecord& record, const Link& link) const;
  void RenewReceivers(Node& receiver, Effects& effects);
  agent::v1::SignedLease Sign(const LinkSide& side, const IssuedLease& lease,
                              BootTime anchor) const;
  void Deny(Node& node, const std::string& link, const std::string& request_id,
            agent::v1::DenyReason reason, const std::string& text, absl::Duration retry,
            Effects& effects);
  void SendRevokes(const Link& link, const std::string& reason, Effects& effects);

  // core_scopes
  // Where the ends of a link stand; none for a node that is unknown, and for a gateway
  // as destination, which is outside of every enclosure.
  struct Where {
    LinkName link;
    std::optional<std::string> src_enclosure;
    std::optional<std::string> dst_enclosure;
  };
  Where WhereIs(const LinkName& link) const;
  static bool Contains(const Scope& scope, const Where& where);
  // Brings the sums of the scopes around a link up to date with its record. After
  // every change of a record's account or lease.
  void Recharge(Link& link);
  // Finds the scopes around the link anew, after a change of nodes or quotas.
  void Rescope(Link& link);
  void AddMoves(const std::string& node, const NodeRecord* after, Batch& batch);
  void TakeMoves(const std::string& node, const Batch& batch);
  void Roll(Budget& budget) const;
  std::vector<ScopeRoom> RoomsFor(Link& link);
  bool IsClaimant(const Link& link) const;
  bool IsIdle(const Link& link) const;
  // What each link may have of the rates and bursts of the scopes around it.
  void SetShares();
  struct NextScope {
    ScopeRecord record;
    ScopeSums sums;
    std::vector<LinkRecord> recalled;  // of its links
  };
  NextScope WithQuota(const Quota& quota) const;
  absl::StatusOr<Quota> SetScopeQuota(Quota quota, Effects& effects);
  absl::Status DeleteScopeQuota(const Scope& scope, Effects& effects);
  void DropBudget(const Scope& scope);
  absl::Status CheckScopeExists(const Scope& scope) const;
  std::vector<LinkRecord> Recalled(const Scope& scope) const;
  void AddToView(const Link& link, QuotaView& view) const;

  // core_stops
  // Whether revoking the scope closes the link.
  bool Covers(const Scope& scope, const LinkName& link) const;
  // What keeps a link shut, whatever its quota has left.
  struct Bar {
    enum class Kind { kNone, kRevoked, kTampered, kDark, kMiswired };
    Kind kind = Kind::kNone;
    const StopRecord* stop = nullptr;  // kRevoked: of a scope; null: the link itself
    const Node* node = nullptr;        // kTampered, kDark
    const PathView* path = nullptr;    // kMiswired
    explicit operator bool() const { return kind != Kind::kNone; }
  };
  Bar BarOf(const LinkRecord& record) const;
  std::string Words(const Bar& bar, const LinkRecord& record) const;
  // Whether it has a quota and nothing bars it.
  bool MayLease(const LinkRecord& record) const { return record.quota && !BarOf(record); }
  // Whether a lease that it has may stand: while nothing is known of its wires it gets no new
  // one, and keeps the one it has.
  bool MayHold(const LinkRecord& record) const;
  absl::Status CheckLinkHasQuota(const LinkName& name) const;
  absl::Status RevokeLink(const LinkName& link, const std::string& reason, Effects& effects);
  absl::Status RestoreLink(const LinkName& link, Effects& effects);
  absl::Status StopScope(const StopRecord& stop, Effects& effects);
  Revocation& AddRevocation(const Scope& scope, const std::string& reason);
  void Await(Revocation& revocation, const LinkRecord& record) const;
  // The end said that it is closed.
  void NoteClosed(const LinkSide& side, uint64_t sequence);
  void NoteExpired();
  RevocationView ViewOf(const Revocation& revocation) const;

  // core_quotas
  absl::Status CheckLinkExists(const LinkName& name) const;
  LinkRecord WithQuota(LinkRecord record, const Quota& quota) const;
  absl::StatusOr<Quota> SetLinkQuota(const Quota& quota, Effects& effects);
  absl::Status DeleteLinkQuota(const LinkName& link, Effects& effects);
  absl::Status CommitLink(Link& link, LinkRecord next, bool new_version, FleetEvent event);

  // core_tamper
  absl::Status OnTamper(Node& node, const agent::v1::Tamper& tamper, Effects& effects);
  void MarkTampered(Node& node, const TamperId& id, const std::string& source,
                    const std::string& words, Effects& effects);
  // Closes all links of the node at both ends.
  void RecallLinks(const Node& node, const std::string& why, Effects& effects);
  void SendReadmission(const Node& node, Effects& effects) const;
  void LookForDark(Effects& effects);
  void GoDark(Node& node, Effects& effects);
  void NoteSpoke(Node& node);

  // core_keys
  std::vector<const Link*> LinksOf(const NodePair& pair) const;
  bool MayHaveKeys(const NodePair& pair) const;
  Bytes CarriedBy(const NodePair& pair) const;
  void BeginEpoch(const NodePair& pair, Effects& effects);
  absl::Status OnKeyRequest(const Node& node, const agent::v1::KeyRequest& request,
                            Effects& effects);
  absl::Status OnKeyOffer(const Node& node, const agent::v1::KeyOffer& offer, Effects& effects);
  absl::Status OnKeyState(const Node& node, const agent::v1::KeyState& state, Effects& effects);
  void TendKeys(Effects& effects);
  std::optional<KeyView> KeysOf(const LinkName& link) const;

  // core_events
  // One that becomes durable, and is shown, with the batch that it is put into.
  FleetEvent Event(std::string_view kind, Severity severity, const Scope& scope, std::string text);
  // Shows it at once; durable with the next commit.
  void Note(std::string_view kind, Severity severity, const Scope& scope, std::string text);
  void AddEvents(Batch& batch) const;
  void KeepEvents(const Batch& batch, bool stored);
  void TakeEvent(FleetEvent event);
  void NoteFaults(Node& node);
  void NoteExhausted();
  void NoteSilent(const Revocation& revocation);
  bool IsAbout(const FleetEvent& event, const Scope& scope) const;

  // core_previews
  std::vector<const Link*> LinksIn(const Scope& scope) const;
  std::vector<Scope> QuotasAround(const Scope& scope) const;
  LinkChange ChangeOf(const Link& link) const;
  std::optional<std::string> WhyShut(const LinkRecord& record) const;
  void PreviewLink(const Quota& quota, ChangeView& view) const;
  void PreviewScope(const Quota& quota, ChangeView& view) const;
  void AddSums(const Scope& scope, ChangeView& view) const;
  ScopeSum SumOf(const Scope& scope, const ChangeView& view) const;

  // core_wiring
  struct KeptPlan {
    PlanRecord record;
    PlanVersion view;
  };
  absl::Status TakePlans(std::vector<PlanRecord> plans,
                         const std::vector<WiringPolicyRecord>& policies);
  PlanVersion VersionOf(const PlanRecord& record, const Plan& plan) const;
  absl::Status OnWiring(Node& node, const agent::v1::Wiring& wiring, Effects& effects);
  void TellTopology(const Node& node);
  void MuteSilent();
  // Takes up what has changed in the topology: recalls what may not go on.
  void FollowTopology(Effects& effects);
  void FollowLink(Link& link, Effects& effects);
  void NoteFindings();
  void TellFindings(std::map<std::string, Finding>& current);
  void NoteMended(const std::map<std::string, Finding>& current);
  const PathView& PathOf(const LinkName& link) const;
  WiringPolicy PolicyOf(const LinkName& link) const;
  std::vector<Scope> PoliciesOf(const Node& node) const;
  std::optional<WiringPolicy> PolicyAmong(const std::vector<Scope>& scopes) const;

  // core_flows
  static void CountAdmitted(Node& node, const End& sender, const LinkReport& report);
  void TakeFlow(Node& node, std::vector<PortCounts> ports);
  void ForgetFlow(Node& node);
  void AddFlowFindings(BootTime now, std::vector<Finding>& findings) const;

  // core_config
  agent::v1::Config BuildConfig(const Node& node) const;
  // Builds the node's Config and sends it if it changed, or always.
  void UpdateConfig(Node& node, bool send_always, Effects& effects);
  void UpdateConfigsOf(const LinkName& link, Effects& effects);
  void UpdateConfigsOfPeers(const Node& node, Effects& effects);

  // core_views
  NodeView ViewOf(const Node& node) const;
  LinkView ViewOf(const Link& link) const;
  std::optional<LeaseView> ViewOf(const LinkSide& side, const IssuedLease& lease) const;
  void SetState(const Link& link, const LinkAccount& account, LinkView& view) const;
  QuotaView ViewOf(const Budget& budget) const;
  std::optional<MismatchView> MismatchOf(const Link& link) const;
  // Why nothing is left for the link: its own volume or a scope's; none if there is.
  std::optional<std::string> WhyExhausted(const Link& link, const LinkAccount& account) const;
  std::string WhyWaiting(const Link& link) const;
  std::optional<EndView> ViewOf(const End& end) const;

  Node* FindNode(const std::string& name);
  const Node* FindNode(const std::string& name) const;
  Link* FindLink(const LinkName& name);
  void IndexLink(const LinkName& name);
  bool Online(const std::string& name) const;

  const CoreConfig config_;
  const Ed25519Signer signer_;
  const PublicKey lease_key_;
  Store& store_;
  const Clock& clock_;

  FleetRecord fleet_;        // as stored, but for its times
  LedgerTime ledger_base_;   // at …
  BootTime clock_base_;      // … this instant of ours
  BootTime time_stored_at_;  // when the ledger's time was last made durable
  BootTime flushed_at_;
  BootTime ticked_at_;
  bool marks_due_ = false;  // a tamper mark is not in the store yet
  absl::Status store_status_;
  std::map<std::string, Node> nodes_;
  std::map<uint32_t, TokenRecord> tokens_;
  std::map<LinkName, Link> links_;
  std::map<Scope, Budget> budgets_;
  // What the store refused to change, and has perhaps changed all the same: of scopes
  // those that are not in budgets_.
  std::set<Scope> refused_scopes_;
  std::set<std::string> refused_nodes_;
  std::set<LinkName> refused_links_;
  std::vector<PendingGrant> pending_;  // of different links
  std::map<Scope, StopRecord> stops_;
  std::deque<Revocation> revocations_;  // the oldest first
  uint64_t next_revocation_ = 1;
  std::map<uint64_t, FleetEvent> events_;
  // Those of operators' changes and the others, each with room of its own: what nodes do must
  // not push out what operators did.
  std::set<uint64_t> changes_;
  std::set<uint64_t> happenings_;
  std::set<uint64_t> unstored_events_;
  std::set<uint64_t> refused_events_;  // of changes that the store refused
  uint64_t next_event_ = 1;
  BootTime shared_at_;
  std::map<NodePair, KeyPair> key_pairs_;
  BootTime tended_at_;
  std::vector<Leaving> leaving_;
  sluice::Topology topology_;
  std::map<uint64_t, KeptPlan> plans_;
  std::map<Scope, WiringPolicy> policies_;
  // Of each link, until something changes for it.
  mutable std::map<LinkName, PathView> paths_;
  std::map<std::string, Finding> noted_findings_;  // by what they are about
  bool findings_due_ = false;
  uint64_t wiring_changes_ = 0;
  BootTime findings_noted_at_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_GRANTS_CORE_IMPL_H_
