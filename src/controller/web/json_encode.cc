#include <algorithm>
#include <optional>
#include <utility>

#include "base/strings.h"
#include "controller/web/json_codec.h"
#include "controller/web/json_values.h"

namespace sluice {
namespace {

using api_json::Dump;
using api_json::Json;
using api_json::Remaining;
using api_json::Seconds;
using api_json::StateName;
using api_json::ToJson;

Json DropPackets(const Drops& drops) {
  Json out = Json::object();
  for (size_t i = 0; i < drops.size(); ++i)
    out[std::string(DropReasonName(static_cast<sluice_drop_reason>(i)))] = drops[i].packets;
  return out;
}

std::string_view StateName(NodeView::State state) {
  switch (state) {
    case NodeView::State::kPending:
      return "pending";
    case NodeView::State::kOffline:
      return "offline";
    case NodeView::State::kOnline:
      return "online";
    case NodeView::State::kTampered:
      return "tampered";
  }
  return "unknown";
}

std::string_view StateName(LeaseView::State state) {
  switch (state) {
    case LeaseView::State::kLive:
      return "live";
    case LeaseView::State::kDead:
      return "dead";
    case LeaseView::State::kClosed:
      return "closed";
  }
  return "unknown";
}

Json ToJson(const NodeView& node) {
  Json out;
  out["name"] = node.name;
  out["enclosure"] = node.enclosure;
  out["role"] = node.gateway ? "gateway" : "node";
  out["state"] = StateName(node.state);
  out["prefixes"] = Json::array();
  for (const IpPrefix& prefix : node.prefixes) out["prefixes"].push_back(prefix.ToString());
  out["fabric_endpoints"] = node.fabric_endpoints;
  out["last_heartbeat_s"] = node.heartbeat_age ? Seconds(*node.heartbeat_age) : Json(nullptr);
  out["dark"] = node.dark;
  out["tamper"] = nullptr;
  if (node.tamper)
    out["tamper"] = {
        {"source", node.tamper->source}, {"words", node.tamper->words}, {"at", node.tamper->at}};
  out["boot_nonce"] = node.boot_nonce;
  out["version"] = node.version;
  out["capabilities"] = Json::array();
  for (const CapabilityView& c : node.capabilities)
    out["capabilities"].push_back({{"name", c.name}, {"choice", c.choice}, {"reason", c.reason}});
  out["applied_generation"] = node.applied_generation;
  out["desired_generation"] = node.desired_generation;
  out["faults"] = node.faults;
  out["unattributed_drops"] = DropPackets(node.unattributed);
  return out;
}

Json ToJson(const QuotaView& view) {
  Json out = ToJson(view.quota);
  out["volume_used_bytes"] = view.used.value;
  out["volume_left_bytes"] = view.left.value;
  out["volume_outstanding_bytes"] = view.outstanding.value;
  out["leased_rate_bps"] = view.leased_rate.bps;
  out["links"] = view.links;
  out["recalling"] = view.recalling;
  out["recalled_within_s"] = view.recalling > 0 ? Remaining(view.recalled_within) : Json(nullptr);
  return out;
}

Json ToJson(const LeaseView& lease) {
  Json out;
  out["link"] = lease.side.link.ToString();
  out["role"] = RoleName(lease.side.role);
  out["node"] = lease.node;
  out["sequence"] = lease.sequence;
  out["rate_bps"] = lease.rate.bps;
  out["burst_bytes"] = lease.burst.value;
  out["volume_limit_bytes"] = lease.volume_limit.value;
  out["issued_s_ago"] = Seconds(lease.issued_ago);
  out["lifetime_s"] = Seconds(lease.lifetime);
  out["expires_in_s"] = Remaining(lease.expires_in);
  out["state"] = StateName(lease.state);
  return out;
}

Json ToJson(const SilenceView& end) {
  Json out;
  out["link"] = end.side.link.ToString();
  out["role"] = RoleName(end.side.role);
  out["node"] = end.node;
  out["silent_after_s"] = end.silent_after ? Seconds(*end.silent_after) : Json(nullptr);
  out["by_expiry"] = end.by_expiry;
  out["silent_within_s"] = end.silent_after ? Json(nullptr) : Remaining(end.silent_within);
  return out;
}

Json ToJson(const RevocationView& revocation) {
  Json out;
  out["id"] = revocation.id;
  out["scope"] = revocation.scope.ToString();
  out["reason"] = revocation.reason;
  out["age_s"] = Seconds(revocation.ago);
  out["silent"] = revocation.silent;
  out["silent_after_s"] = revocation.silent ? Seconds(revocation.silent_after) : Json(nullptr);
  out["ends"] = Json::array();
  for (const SilenceView& end : revocation.ends) out["ends"].push_back(ToJson(end));
  return out;
}

Json ToJson(const StopView& stop) {
  return {{"scope", stop.scope.ToString()}, {"reason", stop.reason}};
}

Json ToJson(const std::optional<EndView>& end) {
  if (!end) return nullptr;
  return {{"bytes", end->bytes},
          {"packets", end->packets},
          {"age_s", Seconds(end->age)},
          {"expires_in_s", Remaining(end->expires_in)}};
}

Json ToJson(const std::optional<KeyView>& key) {
  if (!key) return nullptr;
  return {{"epoch", key->epoch}, {"age_s", Seconds(key->age)}, {"in_use", key->done}};
}

Json ToJson(const std::optional<MismatchView>& mismatch) {
  if (!mismatch) return nullptr;
  return {{"sent_bytes", mismatch->sent.value},
          {"received_bytes", mismatch->received.value},
          {"since_s", Seconds(mismatch->since)},
          {"text", mismatch->text}};
}

Json ToJson(const LinkView& link) {
  const std::optional<Quota>& quota = link.quota;
  Json out;
  out["link"] = link.link.ToString();
  out["src"] = link.link.src;
  out["dst"] = link.link.dst;
  out["state"] = StateName(link.state);
  out["why"] = link.why;
  out["rate_bps"] = quota ? Json(quota->rate.bps) : Json(nullptr);
  out["leased_rate_bps"] = link.leased_rate.bps;
  out["burst_bytes"] = quota ? Json(quota->burst.value) : Json(nullptr);
  out["volume_bytes"] = quota ? Json(quota->volume.value) : Json(nullptr);
  out["volume_used_bytes"] = link.used.value;
  out["volume_left_bytes"] = link.left.value;
  out["volume_outstanding_bytes"] = link.outstanding.value;
  out["expires_in_s"] = link.expires_in ? Remaining(*link.expires_in) : Json(nullptr);
  out["lease_sequence"] = link.lease_sequence;
  out["admitted_bytes"] = link.sender ? link.sender->bytes : 0;
  out["admitted_packets"] = link.sender ? link.sender->packets : 0;
  out["drops"] = DropPackets(link.drops);
  out["sender"] = ToJson(link.sender);
  out["receiver"] = ToJson(link.receiver);
  out["key"] = ToJson(link.key);
  out["mismatch"] = ToJson(link.mismatch);
  out["wiring"] = link.wiring;
  return out;
}

std::string One(std::string_view name, Json value) {
  Json out;
  out[std::string(name)] = std::move(value);
  return Dump(out);
}

template <typename T>
std::string List(std::string_view name, const std::vector<T>& items) {
  Json list = Json::array();
  for (const T& item : items) list.push_back(ToJson(item));
  return One(name, std::move(list));
}

// {"open":1,…}: how many there are in each of `states`, in this order.
template <typename T>
Json CountStates(const std::vector<T>& items, std::initializer_list<typename T::State> states) {
  Json out;
  for (typename T::State state : states)
    out[std::string(StateName(state))] =
        std::count_if(items.begin(), items.end(), [&](const T& t) { return t.state == state; });
  return out;
}

}  // namespace

std::string EncodeNodes(const std::vector<NodeView>& nodes) { return List("nodes", nodes); }
std::string EncodeQuotas(const std::vector<QuotaView>& quotas) { return List("quotas", quotas); }
std::string EncodeLeases(const std::vector<LeaseView>& leases) { return List("leases", leases); }
std::string EncodeLinks(const std::vector<LinkView>& links) { return List("links", links); }
std::string EncodeQuota(const Quota& quota) { return One("quota", ToJson(quota)); }
std::string EncodeLink(const LinkView& link) { return One("link", ToJson(link)); }

std::string EncodeNewNode(const NodeView& node, const ControllerCore::NewNode& added) {
  Json out;
  out["node"] = ToJson(node);
  out["token"] = added.token;
  out["token_expires_in_s"] = Remaining(added.expires_in);
  return Dump(out);
}

std::string EncodeStatus(const StatusView& status) {
  using NodeState = NodeView::State;
  using LeaseState = LeaseView::State;
  using LinkState = LinkView::State;
  Json out;
  out["fleet"] = status.fleet;
  out["version"] = status.version;
  out["ledger_time_s"] = Seconds(status.controller.ledger_time);
  const absl::Status& store = status.controller.store;
  out["store"]["ok"] = store.ok();
  out["store"]["message"] = std::string(store.message());
  out["nodes"] = CountStates(status.nodes, {NodeState::kPending, NodeState::kOffline,
                                            NodeState::kOnline, NodeState::kTampered});
  out["leases"] =
      CountStates(status.leases, {LeaseState::kLive, LeaseState::kDead, LeaseState::kClosed});
  out["links"] =
      CountStates(status.links, {LinkState::kOpen, LinkState::kNoQuota, LinkState::kExhausted,
                                 LinkState::kRevoked, LinkState::kWaiting, LinkState::kExpired});
  return Dump(out);
}

std::string EncodeRevocations(const std::vector<RevocationView>& revocations,
                              const std::vector<StopView>& stops) {
  Json out;
  out["revocations"] = Json::array();
  for (const RevocationView& revocation : revocations)
    out["revocations"].push_back(ToJson(revocation));
  out["stops"] = Json::array();
  for (const StopView& stop : stops) out["stops"].push_back(ToJson(stop));
  return Dump(out);
}

std::string EncodeRevoked(const Scope& scope, uint64_t id) {
  Json out;
  out["revoked"] = scope.ToString();
  out["revocation"] = id;
  return Dump(out);
}

std::string EncodeDone(std::string_view what, std::string_view name) { return One(what, name); }

std::string EncodeError(std::string_view code, std::string_view message, std::string_view field) {
  Json error;
  error["code"] = code;
  error["message"] = message;
  if (!field.empty()) error["field"] = field;
  return One("error", std::move(error));
}

}  // namespace sluice
