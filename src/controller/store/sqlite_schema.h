// The tables of the ledger file, version kUserVersion. Integers are counts of
// bytes, bit/s or nanoseconds; times ending in _at are ledger time unless the
// name says boot. STRICT tables and checks keep foreign values out; what they
// cannot say is checked again when a row is read.
#ifndef SLUICE_CONTROLLER_STORE_SQLITE_SCHEMA_H_
#define SLUICE_CONTROLLER_STORE_SQLITE_SCHEMA_H_

namespace sluice {

inline constexpr int kApplicationId = 0x536c7563;  // "Sluc"
inline constexpr int kUserVersion = 5;

inline constexpr char kSchema[] = R"sql(
CREATE TABLE fleet (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  name TEXT NOT NULL,
  lease_key BLOB NOT NULL CHECK (length(lease_key) = 32),
  ledger_time INTEGER NOT NULL CHECK (ledger_time >= 0),
  boot_time INTEGER NOT NULL,
  machine_boot TEXT NOT NULL,
  next_node_index INTEGER NOT NULL CHECK (next_node_index > 0),
  next_token_index INTEGER NOT NULL CHECK (next_token_index > 0),
  next_quota_version INTEGER NOT NULL CHECK (next_quota_version > 0)
) STRICT;

CREATE TABLE nodes (
  name TEXT PRIMARY KEY,
  enclosure TEXT NOT NULL,
  gateway INTEGER NOT NULL CHECK (gateway IN (0, 1)),
  address_index INTEGER NOT NULL UNIQUE CHECK (address_index > 0),
  prefixes_named INTEGER NOT NULL CHECK (prefixes_named IN (0, 1)),
  prefixes TEXT NOT NULL,
  identity_key BLOB CHECK (length(identity_key) = 32),
  control_key BLOB UNIQUE CHECK (length(control_key) = 32),
  boot BLOB CHECK (length(boot) = 16),
  tunnel_key BLOB CHECK (length(tunnel_key) = 32),
  fabric_endpoints TEXT NOT NULL,
  config_generation INTEGER NOT NULL CHECK (config_generation >= 0),
  tamper_id BLOB CHECK (length(tamper_id) = 16),
  tamper_source TEXT NOT NULL DEFAULT '',
  tamper_words TEXT NOT NULL DEFAULT '',
  tampered_at TEXT NOT NULL DEFAULT '',
  readmitted_id BLOB CHECK (length(readmitted_id) = 16),
  CHECK ((identity_key IS NULL) = (control_key IS NULL))
) STRICT, WITHOUT ROWID;

CREATE TABLE tokens (
  address_index INTEGER PRIMARY KEY CHECK (address_index > 0),
  node TEXT NOT NULL,
  bootstrap_key BLOB NOT NULL UNIQUE CHECK (length(bootstrap_key) = 32),
  secret_hash BLOB NOT NULL CHECK (length(secret_hash) = 32),
  expires_at INTEGER NOT NULL,
  forget_at INTEGER NOT NULL,
  used_at TEXT NOT NULL,
  used_by_identity BLOB CHECK (length(used_by_identity) = 32),
  used_by_control BLOB CHECK (length(used_by_control) = 32),
  withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1))
) STRICT;

CREATE TABLE scopes (
  scope TEXT PRIMARY KEY,
  quota_version INTEGER NOT NULL CHECK (quota_version > 0),
  quota_rate INTEGER NOT NULL,
  quota_burst INTEGER NOT NULL,
  quota_volume INTEGER NOT NULL,
  quota_window INTEGER,
  quota_lifetime INTEGER NOT NULL,
  base BLOB NOT NULL CHECK (length(base) = 16),
  window_start INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE stops (
  scope TEXT PRIMARY KEY,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
  src TEXT NOT NULL,
  dst TEXT NOT NULL,
  quota_version INTEGER CHECK (quota_version > 0),
  quota_rate INTEGER,
  quota_burst INTEGER,
  quota_volume INTEGER,
  quota_window INTEGER,
  quota_lifetime INTEGER,
  spent INTEGER NOT NULL CHECK (spent >= 0),
  window_start INTEGER NOT NULL,
  sender_boot BLOB CHECK (length(sender_boot) = 16),
  reported INTEGER NOT NULL CHECK (reported >= 0),
  ceiling INTEGER NOT NULL CHECK (ceiling >= reported),
  settled INTEGER NOT NULL CHECK (settled >= 0),
  receiver_boot BLOB CHECK (length(receiver_boot) = 16),
  receiver_count INTEGER NOT NULL CHECK (receiver_count >= 0),
  receiver_charged INTEGER NOT NULL CHECK (receiver_charged >= 0),
  sequence INTEGER NOT NULL CHECK (sequence >= 0),
  recall_upto INTEGER NOT NULL CHECK (recall_upto BETWEEN 0 AND sequence),
  suspended INTEGER NOT NULL CHECK (suspended IN (0, 1)),
  suspend_reason TEXT NOT NULL,
  held_rate INTEGER NOT NULL CHECK (held_rate >= 0),
  held_burst INTEGER NOT NULL CHECK (held_burst >= 0),
  held_until INTEGER NOT NULL,
  send_sequence INTEGER NOT NULL CHECK (send_sequence BETWEEN 0 AND sequence),
  send_boot BLOB NOT NULL CHECK (length(send_boot) = 16),
  send_request_id BLOB NOT NULL CHECK (length(send_request_id) = 16),
  send_rate INTEGER NOT NULL CHECK (send_rate >= 0),
  send_burst INTEGER NOT NULL CHECK (send_burst >= 0),
  send_volume_limit INTEGER NOT NULL CHECK (send_volume_limit >= 0),
  send_issued_at INTEGER NOT NULL,
  send_lifetime INTEGER NOT NULL CHECK (send_lifetime >= 0),
  send_expires_boottime INTEGER NOT NULL,
  send_dead_at INTEGER NOT NULL,
  send_closed INTEGER NOT NULL CHECK (send_closed IN (0, 1)),
  send_signed_lease BLOB NOT NULL,
  receive_sequence INTEGER NOT NULL CHECK (receive_sequence BETWEEN 0 AND sequence),
  receive_boot BLOB NOT NULL CHECK (length(receive_boot) = 16),
  receive_request_id BLOB NOT NULL CHECK (length(receive_request_id) = 16),
  receive_rate INTEGER NOT NULL CHECK (receive_rate >= 0),
  receive_burst INTEGER NOT NULL CHECK (receive_burst >= 0),
  receive_volume_limit INTEGER NOT NULL CHECK (receive_volume_limit >= 0),
  receive_issued_at INTEGER NOT NULL,
  receive_lifetime INTEGER NOT NULL CHECK (receive_lifetime >= 0),
  receive_expires_boottime INTEGER NOT NULL,
  receive_dead_at INTEGER NOT NULL,
  receive_closed INTEGER NOT NULL CHECK (receive_closed IN (0, 1)),
  receive_signed_lease BLOB NOT NULL,
  PRIMARY KEY (src, dst),
  CHECK ((quota_version IS NULL) = (quota_rate IS NULL)),
  CHECK ((quota_version IS NULL) = (quota_burst IS NULL)),
  CHECK ((quota_version IS NULL) = (quota_volume IS NULL)),
  CHECK ((quota_version IS NULL) = (quota_lifetime IS NULL)),
  CHECK (quota_version IS NOT NULL OR quota_window IS NULL)
) STRICT, WITHOUT ROWID;
)sql";

// From version 2, which knew nothing of tampering and of revoked scopes.
inline constexpr char kFromVersion2[] = R"sql(
CREATE TABLE stops (
  scope TEXT PRIMARY KEY,
  reason TEXT NOT NULL
) STRICT, WITHOUT ROWID;
ALTER TABLE nodes ADD COLUMN tamper_id BLOB CHECK (length(tamper_id) = 16);
ALTER TABLE nodes ADD COLUMN tamper_source TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN tamper_words TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN tampered_at TEXT NOT NULL DEFAULT '';
ALTER TABLE nodes ADD COLUMN readmitted_id BLOB CHECK (length(readmitted_id) = 16);
)sql";

// Of the schema too. Version 3 had no events.
inline constexpr char kEvents[] = R"sql(
CREATE TABLE events (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  at_ms INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity INTEGER NOT NULL CHECK (severity BETWEEN 0 AND 3),
  scope TEXT NOT NULL,
  text TEXT NOT NULL
) STRICT;
)sql";

// Of the schema too. Version 4 had no plans.
inline constexpr char kPlans[] = R"sql(
CREATE TABLE plans (
  version INTEGER PRIMARY KEY CHECK (version > 0),
  at_ms INTEGER NOT NULL,
  text TEXT NOT NULL,
  signature BLOB NOT NULL CHECK (length(signature) = 64)
) STRICT;

CREATE TABLE wiring_policies (
  scope TEXT PRIMARY KEY,
  policy TEXT NOT NULL CHECK (policy IN ('enforce', 'alert'))
) STRICT, WITHOUT ROWID;
)sql";

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_SQLITE_SCHEMA_H_
