// The ledger in one SQLite file: write-ahead log, synced on every commit.
#ifndef SLUICE_CONTROLLER_STORE_SQLITE_STORE_H_
#define SLUICE_CONTROLLER_STORE_SQLITE_STORE_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "controller/store/store_interface.h"

namespace sluice {

struct SqliteStoreOptions {
  std::string path;
  // Whether a missing or empty file may be made. Where other files show that
  // there was a ledger, it must not: a new one would give every budget anew.
  bool may_create = true;
  // How large the file may grow; 0: as large as the disk lets it.
  uint64_t max_bytes = 0;
};

// Opens the file for this process alone and checks its integrity.
// FailedPrecondition: another process has it, it is no Sluice ledger, or a
// newer Sluice wrote it. DataLoss: it is damaged, or missing and may not be
// made; it is never repaired or replaced. PermissionDenied: cannot be read or
// written. All say what to do.
absl::StatusOr<std::unique_ptr<Store>> OpenSqliteStore(const SqliteStoreOptions& options);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_SQLITE_STORE_H_
