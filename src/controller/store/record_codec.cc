#include "controller/store/record_codec.h"

#include <array>
#include <type_traits>

#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/store/column_visitors.h"

namespace sluice {
namespace {

// Lists are kept as text, one item a line, so that people can read the file.
std::string JoinPrefixes(const std::vector<IpPrefix>& prefixes) {
  return absl::StrJoin(prefixes, "\n", [](std::string* out, const IpPrefix& prefix) {
    out->append(prefix.ToString());
  });
}

std::vector<std::string> SplitLines(const std::string& text) {
  if (text.empty()) return {};
  return absl::StrSplit(text, '\n');
}

// Columns of a lease have the prefix of the side they belong to.
template <typename Visitor, typename LeaseT>
void VisitLease(Visitor& v, const char* const (&names)[12], LeaseT& lease) {
  v.Column(names[0], lease.sequence);
  v.Column(names[1], lease.boot);
  v.Column(names[2], lease.request_id);
  v.Column(names[3], lease.rate);
  v.Column(names[4], lease.burst);
  v.Column(names[5], lease.volume_limit);
  v.Column(names[6], lease.issued_at);
  v.Column(names[7], lease.lifetime);
  v.Column(names[8], lease.expires_at);
  v.Column(names[9], lease.dead_at);
  v.Column(names[10], lease.closed);
  if constexpr (std::is_same_v<Visitor, ColumnBinder>) {
    v.Blob(names[11], lease.signed_lease.data(), lease.signed_lease.size());
  } else if constexpr (std::is_same_v<Visitor, ColumnReader>) {
    v.Blob(names[11], lease.signed_lease);
  } else {
    v.Column(names[11], lease.signed_lease);
  }
}

constexpr const char* kSendColumns[12] = {
    "send_sequence",  "send_boot",     "send_request_id",
    "send_rate",      "send_burst",    "send_volume_limit",
    "send_issued_at", "send_lifetime", "send_expires_boottime",
    "send_dead_at",   "send_closed",   "send_signed_lease"};
constexpr const char* kReceiveColumns[12] = {
    "receive_sequence",  "receive_boot",     "receive_request_id",
    "receive_rate",      "receive_burst",    "receive_volume_limit",
    "receive_issued_at", "receive_lifetime", "receive_expires_boottime",
    "receive_dead_at",   "receive_closed",   "receive_signed_lease"};

// What a row holds besides the record's own fields, in the row's types.
template <typename Record>
struct Row;

template <>
struct Row<FleetRecord> {
  static constexpr char kTable[] = "fleet";
  static constexpr char kKey[] = "id";
  FleetRecord record;
  int64_t id = 1;

  void FromRecord() {}
  absl::Status ToRecord() { return absl::OkStatus(); }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("id", row.id);
    v.Column("name", row.record.fleet);
    v.Column("lease_key", row.record.lease_key);
    v.Column("ledger_time", row.record.ledger_time);
    v.Column("boot_time", row.record.boot_time);
    v.Column("machine_boot", row.record.machine_boot);
    v.Column("next_node_index", row.record.next_node_index);
    v.Column("next_token_index", row.record.next_token_index);
    v.Column("next_quota_version", row.record.next_quota_version);
  }
};

template <>
struct Row<NodeRecord> {
  static constexpr char kTable[] = "nodes";
  static constexpr char kKey[] = "name";
  NodeRecord record;
  std::string prefixes;
  std::string endpoints;

  void FromRecord() {
    prefixes = JoinPrefixes(record.prefixes);
    endpoints = absl::StrJoin(record.fabric_endpoints, "\n");
  }
  absl::Status ToRecord() {
    SLUICE_RETURN_IF_ERROR(CheckName("node", record.name));
    SLUICE_RETURN_IF_ERROR(CheckName("enclosure", record.enclosure));
    record.prefixes.clear();
    for (const std::string& line : SplitLines(prefixes)) {
      SLUICE_ASSIGN_OR_RETURN(const IpPrefix prefix, ParseIpPrefix(line));
      record.prefixes.push_back(prefix);
    }
    record.fabric_endpoints = SplitLines(endpoints);
    for (const std::string& endpoint : record.fabric_endpoints)
      SLUICE_RETURN_IF_ERROR(ParseEndpoint(endpoint).status());
    return absl::OkStatus();
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("name", row.record.name);
    v.Column("enclosure", row.record.enclosure);
    v.Column("gateway", row.record.gateway);
    v.Column("address_index", row.record.index);
    v.Column("prefixes_named", row.record.prefixes_named);
    v.Column("prefixes", row.prefixes);
    v.Column("identity_key", row.record.identity_key);
    v.Column("control_key", row.record.control_key);
    v.Column("boot", row.record.boot);
    v.Column("tunnel_key", row.record.tunnel_key);
    v.Column("fabric_endpoints", row.endpoints);
    v.Column("config_generation", row.record.config_generation);
    v.Column("tamper_id", row.record.tamper_id);
    v.Column("tamper_source", row.record.tamper_source);
    v.Column("tamper_words", row.record.tamper_words);
    v.Column("tampered_at", row.record.tampered_at);
    v.Column("readmitted_id", row.record.readmitted_id);
  }
};

template <>
struct Row<TokenRecord> {
  static constexpr char kTable[] = "tokens";
  static constexpr char kKey[] = "address_index";
  TokenRecord record;

  void FromRecord() {}
  absl::Status ToRecord() { return CheckName("node", record.node); }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("address_index", row.record.index);
    v.Column("node", row.record.node);
    v.Column("bootstrap_key", row.record.bootstrap_key);
    v.Column("secret_hash", row.record.secret_hash);
    v.Column("expires_at", row.record.expires_at);
    v.Column("forget_at", row.record.forget_at);
    v.Column("used_at", row.record.used_at);
    v.Column("used_by_identity", row.record.used_by_identity);
    v.Column("used_by_control", row.record.used_by_control);
    v.Column("withdrawn", row.record.withdrawn);
  }
};

template <>
struct Row<LinkRecord> {
  static constexpr char kTable[] = "links";
  static constexpr char kKey[] = "src, dst";
  LinkRecord record;
  std::optional<uint64_t> version;
  std::optional<BitRate> rate;
  std::optional<Bytes> burst;
  std::optional<Bytes> volume;
  std::optional<absl::Duration> window;
  std::optional<absl::Duration> lifetime;

  void FromRecord() {
    if (!record.quota) return;
    version = record.quota->version;
    rate = record.quota->rate;
    burst = record.quota->burst;
    volume = record.quota->volume;
    window = record.quota->window;
    lifetime = record.quota->lease_lifetime;
  }
  absl::Status ToRecord() {
    SLUICE_RETURN_IF_ERROR(ParseLinkName(record.link.ToString()).status());
    record.quota.reset();
    if (!version) return absl::OkStatus();
    if (!rate || !burst || !volume || !lifetime) return absl::DataLossError("a quota lacks a part");
    record.quota =
        Quota{Scope::Link(record.link), *rate, *burst, *volume, window, *lifetime, *version};
    return CheckQuota(*record.quota);
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    auto& r = row.record;
    v.Column("src", r.link.src);
    v.Column("dst", r.link.dst);
    v.Column("quota_version", row.version);
    v.Column("quota_rate", row.rate);
    v.Column("quota_burst", row.burst);
    v.Column("quota_volume", row.volume);
    v.Column("quota_window", row.window);
    v.Column("quota_lifetime", row.lifetime);
    v.Column("spent", r.account.spent);
    v.Column("window_start", r.account.window_start);
    v.Column("sender_boot", r.account.boot);
    v.Column("reported", r.account.reported);
    v.Column("ceiling", r.account.ceiling);
    v.Column("settled", r.account.settled);
    v.Column("receiver_boot", r.receiver.boot);
    v.Column("receiver_count", r.receiver.count);
    v.Column("receiver_charged", r.receiver.charged);
    v.Column("sequence", r.sequence);
    v.Column("recall_upto", r.recall_upto);
    v.Column("suspended", r.suspended);
    v.Column("suspend_reason", r.suspend_reason);
    v.Column("held_rate", r.held.rate);
    v.Column("held_burst", r.held.burst);
    v.Column("held_until", r.held.until);
    VisitLease(v, kSendColumns, r.send);
    VisitLease(v, kReceiveColumns, r.receive);
  }
};

template <>
struct Row<StopRecord> {
  static constexpr char kTable[] = "stops";
  static constexpr char kKey[] = "scope";
  StopRecord record;
  std::string scope;

  void FromRecord() { scope = record.scope.ToString(); }
  absl::Status ToRecord() {
    SLUICE_ASSIGN_OR_RETURN(record.scope, ParseScope(scope));
    if (record.scope.is_link()) return absl::DataLossError("a link is stopped by itself");
    return absl::OkStatus();
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("scope", row.scope);
    v.Column("reason", row.record.reason);
  }
};

template <>
struct Row<ScopeRecord> {
  static constexpr char kTable[] = "scopes";
  static constexpr char kKey[] = "scope";
  ScopeRecord record;
  std::string scope;
  std::array<uint8_t, 16> base{};  // two's complement, high byte first

  void FromRecord() {
    scope = record.quota.scope.ToString();
    const auto bits = static_cast<absl::uint128>(record.base);
    for (size_t i = 0; i < base.size(); ++i)
      base[i] = static_cast<uint8_t>(absl::Uint128Low64(bits >> static_cast<int>(120 - 8 * i)));
  }
  absl::Status ToRecord() {
    SLUICE_ASSIGN_OR_RETURN(record.quota.scope, ParseScope(scope));
    if (record.quota.scope.is_link()) return absl::DataLossError("a link is no scope here");
    absl::uint128 bits = 0;
    for (const uint8_t byte : base) bits = bits << 8 | byte;
    record.base = static_cast<absl::int128>(bits);
    return CheckQuota(record.quota);
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    auto& quota = row.record.quota;
    v.Column("scope", row.scope);
    v.Column("quota_version", quota.version);
    v.Column("quota_rate", quota.rate);
    v.Column("quota_burst", quota.burst);
    v.Column("quota_volume", quota.volume);
    v.Column("quota_window", quota.window);
    v.Column("quota_lifetime", quota.lease_lifetime);
    v.Column("base", row.base);
    v.Column("window_start", row.record.window_start);
  }
};

template <>
struct Row<FleetEvent> {
  static constexpr char kTable[] = "events";
  static constexpr char kKey[] = "id";
  FleetEvent record;
  std::string scope;
  uint32_t severity = 0;

  void FromRecord() {
    scope = record.scope.ToString();
    severity = static_cast<uint32_t>(record.severity);
  }
  absl::Status ToRecord() {
    SLUICE_ASSIGN_OR_RETURN(record.scope, ParseScope(scope));
    if (severity >= kSeverities) return absl::DataLossError("there is no such severity");
    record.severity = static_cast<Severity>(severity);
    return absl::OkStatus();
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("id", row.record.id);
    v.Column("at_ms", row.record.at_ms);
    v.Column("kind", row.record.kind);
    v.Column("severity", row.severity);
    v.Column("scope", row.scope);
    v.Column("text", row.record.text);
  }
};

template <>
struct Row<PlanRecord> {
  static constexpr char kTable[] = "plans";
  static constexpr char kKey[] = "version";
  PlanRecord record;

  void FromRecord() {}
  absl::Status ToRecord() { return absl::OkStatus(); }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("version", row.record.version);
    v.Column("at_ms", row.record.at_ms);
    v.Column("text", row.record.text);
    v.Column("signature", row.record.signature);
  }
};

template <>
struct Row<WiringPolicyRecord> {
  static constexpr char kTable[] = "wiring_policies";
  static constexpr char kKey[] = "scope";
  WiringPolicyRecord record;
  std::string scope;
  std::string policy;

  void FromRecord() {
    scope = record.scope.ToString();
    policy = PolicyName(record.policy);
  }
  absl::Status ToRecord() {
    SLUICE_ASSIGN_OR_RETURN(record.scope, ParseScope(scope));
    const auto parsed = ParsePolicy(policy);
    if (!parsed) return absl::DataLossError("there is no such policy");
    record.policy = *parsed;
    return absl::OkStatus();
  }
  template <typename Visitor, typename Self>
  static void Visit(Visitor& v, Self& row) {
    v.Column("scope", row.scope);
    v.Column("policy", row.policy);
  }
};

template <typename Record>
std::vector<std::string> Columns() {
  ColumnNames names;
  Row<Record> row;
  Row<Record>::Visit(names, row);
  return names.names();
}

}  // namespace

template <typename Record>
std::string UpsertSql() {
  const std::vector<std::string> columns = Columns<Record>();
  const std::vector<std::string> marks(columns.size(), "?");
  const auto assign = [](std::string* out, const std::string& column) {
    absl::StrAppend(out, column, " = excluded.", column);
  };
  // Not OR REPLACE, which would delete another row that holds a unique value.
  return StrCat("INSERT INTO ", Row<Record>::kTable, " (", absl::StrJoin(columns, ", "),
                ") VALUES (", absl::StrJoin(marks, ", "), ") ON CONFLICT (", Row<Record>::kKey,
                ") DO UPDATE SET ", absl::StrJoin(columns, ", ", assign));
}

template <typename Record>
std::string SelectSql() {
  return StrCat("SELECT ", absl::StrJoin(Columns<Record>(), ", "), " FROM ", Row<Record>::kTable);
}

template <typename Record>
absl::Status BindRecord(const SqliteStatement& statement, const Record& record) {
  Row<Record> row;
  row.record = record;
  row.FromRecord();
  ColumnBinder binder(statement);
  Row<Record>::Visit(binder, row);
  return Annotate(binder.status(), Row<Record>::kTable);
}

template <typename Record>
absl::Status ReadRecord(const SqliteStatement& statement, Record& record) {
  Row<Record> row;
  ColumnReader reader(statement);
  Row<Record>::Visit(reader, row);
  absl::Status status = reader.status();
  if (status.ok()) status = row.ToRecord();
  if (!status.ok())
    return absl::DataLossError(
        StrCat("table ", Row<Record>::kTable, ": ", ToStd(status.message())));
  record = std::move(row.record);
  return absl::OkStatus();
}

#define SLUICE_INSTANTIATE(Record)                                         \
  template std::string UpsertSql<Record>();                                \
  template std::string SelectSql<Record>();                                \
  template absl::Status BindRecord(const SqliteStatement&, const Record&); \
  template absl::Status ReadRecord(const SqliteStatement&, Record&)
SLUICE_INSTANTIATE(FleetRecord);
SLUICE_INSTANTIATE(NodeRecord);
SLUICE_INSTANTIATE(TokenRecord);
SLUICE_INSTANTIATE(LinkRecord);
SLUICE_INSTANTIATE(ScopeRecord);
SLUICE_INSTANTIATE(StopRecord);
SLUICE_INSTANTIATE(FleetEvent);
SLUICE_INSTANTIATE(PlanRecord);
SLUICE_INSTANTIATE(WiringPolicyRecord);
#undef SLUICE_INSTANTIATE

}  // namespace sluice
