// Nodes, join tokens and enrolment.
#include <algorithm>
#include <utility>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/control_net.h"
#include "controller/grants/core_impl.h"
#include "spdlog/spdlog.h"
#include "wire/fixed_bytes.h"
#include "wire/join_token.h"

namespace sluice {
namespace {

constexpr size_t kMaxPrefixes = 64;
// How long a removed node's tunnel stays up for the words that end its leases.
constexpr absl::Duration kLeaveGrace = absl::Seconds(2);

constexpr char kMakeNewToken[] = "; make a new one with `sluicectl node add`";

std::array<uint8_t, 32> HashOf(const Secret32& secret) {
  const auto bytes = secret.bytes();
  return Sha256(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
}

}  // namespace

absl::Status CoreImpl::CheckPrefixes(const std::string& node, bool gateway,
                                     const std::vector<IpPrefix>& prefixes) const {
  if (prefixes.size() > kMaxPrefixes)
    return absl::InvalidArgumentError(StrCat("prefixes: more than ", kMaxPrefixes));
  for (const auto& [name, other] : nodes_) {
    if (name == node) continue;
    for (const IpPrefix& theirs : other.record.prefixes) {
      for (const IpPrefix& ours : prefixes) {
        if (!ours.Overlaps(theirs)) continue;
        // A gateway stands for the world around the nodes: the longer prefix wins.
        const bool around = (gateway && ours.length < theirs.length) ||
                            (other.record.gateway && theirs.length < ours.length);
        if (around) continue;
        return absl::AlreadyExistsError(StrCat("prefixes: ", ours.ToString(), " overlaps ",
                                               theirs.ToString(), " of node ", name));
      }
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<NodeRecord> CoreImpl::NodeForToken(const std::string& name,
                                                  const std::string& enclosure, bool gateway,
                                                  const std::vector<IpPrefix>& prefixes,
                                                  FleetRecord& fleet) const {
  SLUICE_RETURN_IF_ERROR(CheckName("name", name));
  SLUICE_RETURN_IF_ERROR(CheckName("enclosure", enclosure));
  SLUICE_RETURN_IF_ERROR(CheckPrefixes(name, gateway, prefixes));
  if (const Node* there = FindNode(name)) {
    const NodeRecord& record = there->record;
    if (record.enclosure != enclosure || record.gateway != gateway)
      return absl::AlreadyExistsError(
          StrCat("name: node ", name, " is there already, in enclosure ", record.enclosure,
                 record.gateway ? " as a gateway" : "", "; remove it first or use another name"));
    if (!prefixes.empty() && prefixes != record.prefixes)
      return absl::AlreadyExistsError(
          StrCat("prefixes: node ", name, " is there already with others; remove it first"));
    return record;
  }
  if (fleet.next_node_index > kMaxControlIndex)
    return absl::ResourceExhaustedError("the control tunnel has no address left for a node");
  NodeRecord record;
  record.name = name;
  record.enclosure = enclosure;
  record.gateway = gateway;
  record.index = fleet.next_node_index++;
  record.prefixes = prefixes;
  record.prefixes_named = !prefixes.empty();
  return record;
}

absl::StatusOr<ControllerCore::NewNode> CoreImpl::AddNode(const std::string& name,
                                                          const std::string& enclosure,
                                                          bool gateway,
                                                          const std::vector<IpPrefix>& prefixes,
                                                          Effects& effects) {
  Flush(effects);
  Batch batch;
  batch.fleet = FleetNow();
  SLUICE_ASSIGN_OR_RETURN(NodeRecord node,
                          NodeForToken(name, enclosure, gateway, prefixes, *batch.fleet));
  if (batch.fleet->next_token_index > kMaxControlIndex)
    return absl::ResourceExhaustedError("the control tunnel has no address left for a token");
  for (const auto& [index, token] : tokens_) {
    if (token.node != name || !token.used_at.empty() || token.withdrawn) continue;
    batch.tokens.push_back(token);
    batch.tokens.back().withdrawn = true;
  }

  JoinToken token;
  token.node = name;
  token.endpoint = config_.endpoint;
  token.controller_key = config_.control_key;
  token.secret = NewSecret();
  TokenRecord record;
  record.index = batch.fleet->next_token_index++;
  record.node = name;
  record.bootstrap_key = X25519PublicKey(JoinTunnelKey(token.secret));
  record.secret_hash = HashOf(token.secret);
  record.expires_at = Now() + config_.token_lifetime;
  record.forget_at = record.expires_at + config_.token_memory;
  token.address = TokenControlAddress(record.index);
  token.controller = Endpoint{ControllerAddress(), config_.grpc_port};
  token.expires = clock_.WallNow() + config_.token_lifetime;
  batch.tokens.push_back(record);
  batch.nodes.push_back(node);
  if (FindNode(name) == nullptr) {
    AddMoves(name, &node, batch);
    batch.events = {
        Event("node_added", Severity::kInfo, Scope::Node(name),
              StrCat("added to enclosure ", enclosure, gateway ? " as a gateway" : ""))};
  }
  SLUICE_RETURN_IF_ERROR(Commit(batch));

  for (const TokenRecord& changed : batch.tokens) tokens_[changed.index] = changed;
  const auto [added, is_new] = nodes_.try_emplace(name);
  added->second.record = std::move(node);
  if (is_new) {
    for (const auto& [link_name, link] : links_) IndexLink(link_name);
    TakeMoves(name, batch);
  }
  effects.control_peers_changed = true;
  return NewNode{EncodeJoinToken(token), config_.token_lifetime};
}

absl::Status CoreImpl::CheckTokenUsable(const TokenRecord& token) const {
  if (!token.used_at.empty())
    return absl::PermissionDeniedError(
        StrCat("this token was used at ", token.used_at, kMakeNewToken));
  if (token.withdrawn)
    return absl::PermissionDeniedError(
        StrCat("this token was withdrawn, a newer one was made for node ", token.node,
               "; use that, or make a new one with `sluicectl node add`"));
  if (Now() >= token.expires_at)
    return absl::PermissionDeniedError(StrCat("this token has expired", kMakeNewToken));
  if (FindNode(token.node) == nullptr)
    return absl::PermissionDeniedError(
        StrCat("node ", token.node, " of this token was removed", kMakeNewToken));
  return absl::OkStatus();
}

absl::Status CoreImpl::CheckKeyIsFree(const PublicKey& key, const std::string& node) const {
  bool taken = key == config_.control_key;
  for (const auto& [name, other] : nodes_)
    taken = taken || (name != node && other.record.control_key == key);
  for (const auto& [index, token] : tokens_) taken = taken || token.bootstrap_key == key;
  if (taken) return absl::InvalidArgumentError("the control key is in use; make a fresh one");
  return absl::OkStatus();
}

absl::StatusOr<NodeRecord> CoreImpl::Enrolled(const TokenRecord& token,
                                              const agent::v1::EnrolRequest& request) const {
  NodeRecord node = FindNode(token.node)->record;
  SLUICE_ASSIGN_OR_RETURN(node.identity_key,
                          FromWireBytes<32>("the identity key", request.identity_key()));
  SLUICE_ASSIGN_OR_RETURN(node.control_key,
                          FromWireBytes<32>("the control key", request.control_key()));
  SLUICE_RETURN_IF_ERROR(CheckKeyIsFree(*node.control_key, node.name));
  if (!node.prefixes_named) {
    node.prefixes.clear();
    if (static_cast<size_t>(request.accelerator_prefixes_size()) > kMaxPrefixes)
      return absl::InvalidArgumentError("too many accelerator prefixes");
    for (const std::string& text : request.accelerator_prefixes()) {
      SLUICE_ASSIGN_OR_RETURN(const IpPrefix prefix, ParseIpPrefix(text));
      node.prefixes.push_back(prefix);
    }
    SLUICE_RETURN_IF_ERROR(CheckPrefixes(node.name, node.gateway, node.prefixes));
  }
  if (node.prefixes.empty())
    return absl::InvalidArgumentError(
        StrCat("node ", node.name,
               " has no accelerator prefix: name some with `sluicectl node "
               "add --prefix`, or give the accelerator port an address"));
  return node;
}

agent::v1::EnrolReply CoreImpl::ReplyFor(const NodeRecord& node) const {
  agent::v1::EnrolReply reply;
  reply.set_fleet(config_.fleet);
  reply.set_node(node.name);
  reply.set_enclosure(node.enclosure);
  reply.set_control_address(NodeControlAddress(node.index).ToString());
  reply.set_lease_key(ToWireBytes(lease_key_));
  return reply;
}

absl::StatusOr<agent::v1::EnrolReply> CoreImpl::Enrol(const IpAddress& address,
                                                      const agent::v1::EnrolRequest& request,
                                                      Effects& effects) {
  const auto it = std::find_if(tokens_.begin(), tokens_.end(), [&](const auto& entry) {
    return TokenControlAddress(entry.first) == address;
  });
  if (it == tokens_.end())
    return absl::PermissionDeniedError("enrolling takes the tunnel of a join token");
  TokenRecord token = it->second;
  // The answer may have been lost on its way: the same keys get it again.
  const Node* before = FindNode(token.node);
  if (!token.used_at.empty() && before != nullptr && token.used_by_identity &&
      ToWireBytes(*token.used_by_identity) == request.identity_key() &&
      ToWireBytes(*token.used_by_control) == request.control_key() &&
      before->record.control_key == token.used_by_control)
    return ReplyFor(before->record);
  SLUICE_RETURN_IF_ERROR(CheckTokenUsable(token));
  SLUICE_ASSIGN_OR_RETURN(NodeRecord record, Enrolled(token, request));
  token.used_at = absl::FormatTime("%Y-%m-%d %H:%M:%S UTC", clock_.WallNow(), absl::UTCTimeZone());
  token.used_by_identity = record.identity_key;
  token.used_by_control = record.control_key;
  token.forget_at = Now() + config_.token_memory;
  Batch batch;
  batch.nodes = {record};
  batch.tokens = {token};
  batch.events = {
      Event("node_enrolled", Severity::kInfo, Scope::Node(record.name), "enrolled by a token")};
  SLUICE_RETURN_IF_ERROR(Commit(batch));

  it->second = token;
  Node& node = nodes_[record.name];
  EndSession(node, absl::AbortedError("the node enrolled anew"), effects);
  node.record = std::move(record);
  effects.control_peers_changed = true;
  TellTopology(node);
  UpdateConfig(node, /*send_always=*/false, effects);  // its credential
  spdlog::info("node {} enrolled", node.record.name);
  UpdateConfigsOfPeers(node, effects);
  return ReplyFor(node.record);
}

absl::StatusOr<std::string> CoreImpl::NodeAt(const IpAddress& address) const {
  for (const auto& [name, node] : nodes_) {
    if (node.record.control_key && NodeControlAddress(node.record.index) == address) return name;
  }
  for (const auto& [index, token] : tokens_) {
    if (TokenControlAddress(index) != address) continue;
    SLUICE_RETURN_IF_ERROR(CheckTokenUsable(token));
    return absl::PermissionDeniedError("a join token's tunnel is good for enrolling only");
  }
  return absl::PermissionDeniedError(
      StrCat("no node of this fleet has the address ", address.ToString(),
             "; if the node was removed, make a new token with `sluicectl node add`"));
}

absl::Status CoreImpl::RemoveNode(const std::string& name, Effects& effects) {
  Flush(effects);
  Node* node = FindNode(name);
  if (node == nullptr) return absl::NotFoundError(StrCat("there is no node ", ForMessage(name)));
  Batch batch;
  batch.deleted_nodes = {name};
  batch.events = {
      Event("node_removed", Severity::kWarning, Scope::Node(name), "removed with its quotas")};
  for (const auto& [index, token] : tokens_) {
    if (token.node == name) batch.deleted_tokens.push_back(index);
  }
  for (const LinkName& link_name : node->links) {
    LinkRecord record = links_.at(link_name).record;
    record.quota.reset();
    record.suspended = false;
    record.suspend_reason.clear();
    record.recall_upto = record.send.sequence;
    batch.links.push_back(std::move(record));
  }
  AddMoves(name, nullptr, batch);
  const Scope scope = Scope::Node(name);
  if (budgets_.contains(scope)) batch.deleted_scopes = {scope};
  if (stops_.contains(scope)) batch.deleted_stops = {scope};
  batch.deleted_policies = PoliciesOf(*node);
  SLUICE_RETURN_IF_ERROR(Commit(batch));

  for (LinkRecord& record : batch.links) {
    Link& link = links_[record.link];
    link.record = std::move(record);
    link.dirty = false;
    SendRevokes(link, "the node was removed", effects);
  }
  for (uint32_t index : batch.deleted_tokens) tokens_.erase(index);
  EndSession(*node, absl::PermissionDeniedError("the node was removed from the fleet"), effects);
  if (node->record.control_key)
    leaving_.push_back({{*node->record.control_key, NodeControlAddress(node->record.index)},
                        clock_.Now() + kLeaveGrace});
  UpdateConfigsOfPeers(*node, effects);
  nodes_.erase(name);
  topology_.RemoveNode(name, clock_.Now());
  FollowTopology(effects);
  DropBudget(scope);
  stops_.erase(scope);
  for (const Scope& policy : batch.deleted_policies) policies_.erase(policy);
  TakeMoves(name, batch);
  effects.control_peers_changed = true;
  return absl::OkStatus();
}

std::vector<ControlPeer> CoreImpl::ControlPeers() const {
  std::vector<ControlPeer> peers;
  for (const auto& [name, node] : nodes_) {
    if (node.record.control_key)
      peers.push_back({*node.record.control_key, NodeControlAddress(node.record.index)});
  }
  for (const auto& [index, token] : tokens_)
    peers.push_back({token.bootstrap_key, TokenControlAddress(index)});
  for (const Leaving& leaving : leaving_) peers.push_back(leaving.peer);
  return peers;
}

}  // namespace sluice
