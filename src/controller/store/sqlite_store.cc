#include "controller/store/sqlite_store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/store/record_codec.h"
#include "controller/store/sqlite_db.h"
#include "controller/store/sqlite_schema.h"

namespace sluice {
namespace {

class SqliteStore final : public Store {
 public:
  explicit SqliteStore(SqliteDb db) : db_(std::move(db)) {}

  absl::StatusOr<StoredState> Load() override;
  absl::Status Commit(const Batch& batch) override;

 private:
  template <typename Record>
  absl::Status LoadAll(std::vector<Record>& records);
  template <typename Record>
  absl::Status Upsert(const Record& record);
  absl::Status DeleteNamed(const std::string& sql, const std::string& name);
  absl::Status DeleteNode(const std::string& name);
  absl::Status DeleteToken(uint32_t index);
  absl::Status DeleteScope(const Scope& scope);
  absl::Status DeleteStop(const Scope& scope);
  absl::Status DeletePolicy(const Scope& scope);
  absl::Status DeleteNumbered(const std::string& sql, uint64_t number);
  absl::Status Write(const Batch& batch);
  absl::Status WritePlans(const Batch& batch);
  // Runs a cached statement after `bind` has filled it.
  template <typename Bind>
  absl::Status Run(const std::string& sql, Bind bind);

  SqliteDb db_;
  std::map<std::string, SqliteStatement> statements_;  // by their SQL
};

template <typename Record>
absl::Status SqliteStore::LoadAll(std::vector<Record>& records) {
  SLUICE_ASSIGN_OR_RETURN(const SqliteStatement statement, db_.Prepare(SelectSql<Record>()));
  while (true) {
    SLUICE_ASSIGN_OR_RETURN(const bool row, db_.Step(statement));
    if (!row) return absl::OkStatus();
    SLUICE_RETURN_IF_ERROR(ReadRecord(statement, records.emplace_back()));
  }
}

absl::StatusOr<StoredState> SqliteStore::Load() {
  StoredState state;
  std::vector<FleetRecord> fleets;
  absl::Status status = LoadAll(fleets);
  if (status.ok()) status = LoadAll(state.nodes);
  if (status.ok()) status = LoadAll(state.tokens);
  if (status.ok()) status = LoadAll(state.links);
  if (status.ok()) status = LoadAll(state.scopes);
  if (status.ok()) status = LoadAll(state.stops);
  if (status.ok()) status = LoadAll(state.events);
  if (status.ok()) status = LoadAll(state.plans);
  if (status.ok()) status = LoadAll(state.policies);
  if (!status.ok()) return Annotate(status, StrCat(db_.path(), ": restore it from a backup"));
  if (!fleets.empty()) state.fleet = fleets.front();
  std::sort(state.links.begin(), state.links.end(),
            [](const LinkRecord& a, const LinkRecord& b) { return a.link < b.link; });
  std::sort(
      state.scopes.begin(), state.scopes.end(),
      [](const ScopeRecord& a, const ScopeRecord& b) { return a.quota.scope < b.quota.scope; });
  std::sort(
      state.policies.begin(), state.policies.end(),
      [](const WiringPolicyRecord& a, const WiringPolicyRecord& b) { return a.scope < b.scope; });
  std::sort(state.stops.begin(), state.stops.end(),
            [](const StopRecord& a, const StopRecord& b) { return a.scope < b.scope; });
  return state;
}

template <typename Bind>
absl::Status SqliteStore::Run(const std::string& sql, Bind bind) {
  auto it = statements_.find(sql);
  if (it == statements_.end()) {
    SLUICE_ASSIGN_OR_RETURN(SqliteStatement statement, db_.Prepare(sql));
    it = statements_.emplace(sql, std::move(statement)).first;
  }
  const SqliteStatement& statement = it->second;
  absl::Status status = bind(statement);
  if (status.ok()) status = db_.Step(statement).status();
  sqlite3_reset(statement.get());
  sqlite3_clear_bindings(statement.get());
  return status;
}

template <typename Record>
absl::Status SqliteStore::Upsert(const Record& record) {
  static const std::string sql = UpsertSql<Record>();
  return Run(sql, [&](const SqliteStatement& s) { return BindRecord(s, record); });
}

absl::Status SqliteStore::DeleteNamed(const std::string& sql, const std::string& name) {
  return Run(sql, [&](const SqliteStatement& s) {
    sqlite3_bind_text(s.get(), 1, name.c_str(), -1, SQLITE_TRANSIENT);
    return absl::OkStatus();
  });
}

absl::Status SqliteStore::DeleteNode(const std::string& name) {
  return DeleteNamed("DELETE FROM nodes WHERE name = ?", name);
}

absl::Status SqliteStore::DeleteScope(const Scope& scope) {
  return DeleteNamed("DELETE FROM scopes WHERE scope = ?", scope.ToString());
}

absl::Status SqliteStore::DeleteStop(const Scope& scope) {
  return DeleteNamed("DELETE FROM stops WHERE scope = ?", scope.ToString());
}

absl::Status SqliteStore::DeletePolicy(const Scope& scope) {
  return DeleteNamed("DELETE FROM wiring_policies WHERE scope = ?", scope.ToString());
}

absl::Status SqliteStore::DeleteNumbered(const std::string& sql, uint64_t number) {
  return Run(sql, [&](const SqliteStatement& s) {
    sqlite3_bind_int64(s.get(), 1, static_cast<int64_t>(number));
    return absl::OkStatus();
  });
}

absl::Status SqliteStore::DeleteToken(uint32_t index) {
  return DeleteNumbered("DELETE FROM tokens WHERE address_index = ?", index);
}

absl::Status SqliteStore::Write(const Batch& batch) {
  if (batch.fleet) SLUICE_RETURN_IF_ERROR(Upsert(*batch.fleet));
  for (const std::string& name : batch.deleted_nodes) SLUICE_RETURN_IF_ERROR(DeleteNode(name));
  for (const NodeRecord& node : batch.nodes) SLUICE_RETURN_IF_ERROR(Upsert(node));
  for (uint32_t index : batch.deleted_tokens) SLUICE_RETURN_IF_ERROR(DeleteToken(index));
  for (const TokenRecord& token : batch.tokens) SLUICE_RETURN_IF_ERROR(Upsert(token));
  for (const LinkRecord& link : batch.links) SLUICE_RETURN_IF_ERROR(Upsert(link));
  for (const Scope& scope : batch.deleted_scopes) SLUICE_RETURN_IF_ERROR(DeleteScope(scope));
  for (const ScopeRecord& scope : batch.scopes) SLUICE_RETURN_IF_ERROR(Upsert(scope));
  for (const Scope& scope : batch.deleted_stops) SLUICE_RETURN_IF_ERROR(DeleteStop(scope));
  for (const StopRecord& stop : batch.stops) SLUICE_RETURN_IF_ERROR(Upsert(stop));
  for (const FleetEvent& event : batch.events) SLUICE_RETURN_IF_ERROR(Upsert(event));
  for (const uint64_t id : batch.deleted_events)
    SLUICE_RETURN_IF_ERROR(DeleteNumbered("DELETE FROM events WHERE id = ?", id));
  return WritePlans(batch);
}

absl::Status SqliteStore::WritePlans(const Batch& batch) {
  for (const PlanRecord& plan : batch.plans) SLUICE_RETURN_IF_ERROR(Upsert(plan));
  for (const uint64_t version : batch.deleted_plans)
    SLUICE_RETURN_IF_ERROR(DeleteNumbered("DELETE FROM plans WHERE version = ?", version));
  for (const Scope& scope : batch.deleted_policies) SLUICE_RETURN_IF_ERROR(DeletePolicy(scope));
  for (const WiringPolicyRecord& policy : batch.policies) SLUICE_RETURN_IF_ERROR(Upsert(policy));
  return absl::OkStatus();
}

absl::Status SqliteStore::Commit(const Batch& batch) {
  if (batch.empty()) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(db_.Execute("BEGIN IMMEDIATE"));
  absl::Status status = Write(batch);
  if (status.ok()) status = db_.Execute("COMMIT");
  if (status.ok()) return status;
  // Fails where SQLite has rolled back by itself, which is as good.
  (void)db_.Execute("ROLLBACK");
  return status;
}

// Takes the file for this process until the connection closes.
absl::Status TakeForOurselves(SqliteDb& db) {
  // The mode is what keeps others out; a WAL in exclusive mode has no shared memory.
  SLUICE_RETURN_IF_ERROR(db.Text("PRAGMA locking_mode = EXCLUSIVE").status());
  SLUICE_RETURN_IF_ERROR(db.Execute("BEGIN EXCLUSIVE; COMMIT"));
  SLUICE_ASSIGN_OR_RETURN(const std::string mode, db.Text("PRAGMA journal_mode = WAL"));
  if (mode != "wal")
    return absl::FailedPreconditionError(
        StrCat(db.path(), ": the file system cannot keep a write-ahead log; use a local one"));
  SLUICE_RETURN_IF_ERROR(db.Execute("PRAGMA synchronous = FULL"));
  SLUICE_RETURN_IF_ERROR(db.Execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF"));
  // In WAL mode only a write takes the lock for good.
  return db.Execute("BEGIN EXCLUSIVE; COMMIT");
}

absl::Status CreateSchema(SqliteDb& db) {
  return db.Execute(StrCat("BEGIN EXCLUSIVE;", kSchema, kEvents, kPlans, "PRAGMA application_id = ",
                           kApplicationId, "; PRAGMA user_version = ", kUserVersion, "; COMMIT;"));
}

absl::Status Upgrade(SqliteDb& db, int64_t version) {
  const absl::Status status = db.Execute(
      StrCat("BEGIN EXCLUSIVE;", version == 2 ? kFromVersion2 : "", version < 4 ? kEvents : "",
             kPlans, "PRAGMA user_version = ", kUserVersion, "; COMMIT;"));
  if (!status.ok()) (void)db.Execute("ROLLBACK");
  return Annotate(status, StrCat(db.path(), ": cannot bring the ledger from version ", version,
                                 " to ", kUserVersion));
}

// A new file gets the schema; any other must be ours and of our version.
absl::Status CheckOrCreateSchema(SqliteDb& db, bool may_create) {
  SLUICE_ASSIGN_OR_RETURN(const int64_t application, db.Integer("PRAGMA application_id"));
  SLUICE_ASSIGN_OR_RETURN(const int64_t version, db.Integer("PRAGMA user_version"));
  SLUICE_ASSIGN_OR_RETURN(const int64_t objects, db.Integer("SELECT count(*) FROM sqlite_schema"));
  if (application == 0 && version == 0 && objects == 0) {
    if (!may_create)
      return absl::DataLossError(
          StrCat(db.path(),
                 " is empty, though this controller has had a ledger; restore it "
                 "from a backup"));
    return CreateSchema(db);
  }
  if (application != kApplicationId)
    return absl::FailedPreconditionError(
        StrCat(db.path(), " is a database, but no Sluice ledger; use another --state-dir"));
  if (version >= 2 && version < kUserVersion) return Upgrade(db, version);
  if (version != kUserVersion)
    return absl::FailedPreconditionError(
        StrCat(db.path(), " has version ", version, " of the ledger and this controller knows ",
               kUserVersion, "; use the sluice-controller that wrote it"));
  return absl::OkStatus();
}

absl::Status CheckIntegrity(SqliteDb& db) {
  const absl::StatusOr<std::string> found = db.Text("PRAGMA integrity_check(1)");
  if (found.ok() && *found == "ok") return absl::OkStatus();
  std::string detail = found.ok() ? *found : std::string(ToStd(found.status().message()));
  std::replace(detail.begin(), detail.end(), '\n', ' ');
  return absl::DataLossError(StrCat(db.path(), " is damaged (", detail,
                                    "); restore it from a backup: without it the "
                                    "fleet's budgets are unknown, so none is made anew"));
}

absl::Status LimitSize(SqliteDb& db, uint64_t max_bytes) {
  if (max_bytes == 0) return absl::OkStatus();
  SLUICE_ASSIGN_OR_RETURN(const int64_t page, db.Integer("PRAGMA page_size"));
  const uint64_t pages = std::max<uint64_t>(1, max_bytes / static_cast<uint64_t>(page));
  return db.Integer(StrCat("PRAGMA max_page_count = ", pages)).status();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options) {
  struct stat info {};
  if (!options.may_create && lstat(options.path.c_str(), &info) != 0 && errno == ENOENT)
    return absl::DataLossError(
        StrCat(options.path,
               " is missing, though this controller has had a ledger; restore it "
               "from a backup"));
  SLUICE_ASSIGN_OR_RETURN(SqliteDb db, SqliteDb::Open(options.path));
  SLUICE_RETURN_IF_ERROR(TakeForOurselves(db));
  SLUICE_RETURN_IF_ERROR(CheckOrCreateSchema(db, options.may_create));
  SLUICE_RETURN_IF_ERROR(CheckIntegrity(db));
  SLUICE_RETURN_IF_ERROR(LimitSize(db, options.max_bytes));
  return std::make_unique<SqliteStore>(std::move(db));
}

}  // namespace sluice
