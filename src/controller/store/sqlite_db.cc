#include "controller/store/sqlite_db.h"

#include <sqlite3.h>

#include <cerrno>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {

void SqliteStatement::Finalizer::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

void SqliteDb::Closer::operator()(sqlite3* db) const { sqlite3_close_v2(db); }

absl::StatusOr<SqliteDb> SqliteDb::Open(const std::string& path) {
  sqlite3* raw = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOFOLLOW |
                    SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOMUTEX;
  const int result = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  SqliteDb db(path, raw);  // closes `raw` whatever happened
  if (raw == nullptr) return absl::ResourceExhaustedError("no memory to open " + path);
  if (result != SQLITE_OK) return db.Error("cannot open the ledger");
  return db;
}

absl::Status SqliteDb::Execute(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK)
    return Error(sql.substr(0, 40));
  return absl::OkStatus();
}

absl::StatusOr<SqliteStatement> SqliteDb::Prepare(const std::string& sql) {
  sqlite3_stmt* raw = nullptr;
  const int result = sqlite3_prepare_v3(db_.get(), sql.c_str(), static_cast<int>(sql.size()),
                                        SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
  SqliteStatement statement(raw);
  if (result != SQLITE_OK) return Error(sql.substr(0, 40));
  return statement;
}

absl::StatusOr<bool> SqliteDb::Step(const SqliteStatement& statement) {
  const int result = sqlite3_step(statement.get());
  if (result == SQLITE_ROW) return true;
  if (result == SQLITE_DONE) return false;
  return Error("running a statement");
}

absl::StatusOr<int64_t> SqliteDb::Integer(const std::string& sql) {
  SLUICE_ASSIGN_OR_RETURN(const SqliteStatement statement, Prepare(sql));
  SLUICE_ASSIGN_OR_RETURN(const bool row, Step(statement));
  if (!row || sqlite3_column_type(statement.get(), 0) != SQLITE_INTEGER)
    return absl::InternalError(StrCat(sql, " yields no integer"));
  return sqlite3_column_int64(statement.get(), 0);
}

absl::StatusOr<std::string> SqliteDb::Text(const std::string& sql) {
  SLUICE_ASSIGN_OR_RETURN(const SqliteStatement statement, Prepare(sql));
  SLUICE_ASSIGN_OR_RETURN(const bool row, Step(statement));
  if (!row) return absl::InternalError(StrCat(sql, " yields nothing"));
  const unsigned char* text = sqlite3_column_text(statement.get(), 0);
  return std::string(text == nullptr ? "" : reinterpret_cast<const char*>(text));
}

absl::Status SqliteDb::Error(std::string_view what) const {
  const int extended = sqlite3_extended_errcode(db_.get());
  const int error = sqlite3_system_errno(db_.get());
  const std::string detail =
      StrCat(path_, ": ", what, ": ", std::string(sqlite3_errmsg(db_.get())));
  switch (extended & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return absl::FailedPreconditionError(
          StrCat("another sluice-controller uses ", path_,
                 "; stop it, or give this one a --state-dir of its own"));
    case SQLITE_FULL:
      return absl::ResourceExhaustedError(StrCat(detail, "; free some space"));
    case SQLITE_IOERR:
      if (error == ENOSPC || error == EDQUOT)
        return absl::ResourceExhaustedError(StrCat(detail, "; free some space"));
      return absl::UnavailableError(detail);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return absl::DataLossError(
          StrCat(detail,
                 "; restore the file from a backup: without it the fleet's budgets are "
                 "unknown, so none is made anew"));
    case SQLITE_PERM:
    case SQLITE_READONLY:
    case SQLITE_AUTH:
      return absl::PermissionDeniedError(StrCat(detail, "; check the file's owner and mode"));
    case SQLITE_CANTOPEN:
      return absl::PermissionDeniedError(
          StrCat(detail, error != 0 ? StrCat(" (", ErrnoStatus(error, "open").message(), ")") : "",
                 "; check that the directory exists and can be written to"));
    case SQLITE_CONSTRAINT:
    case SQLITE_TOOBIG:
    case SQLITE_MISMATCH:
      return absl::InvalidArgumentError(detail);
    default:
      return absl::InternalError(detail);
  }
}

}  // namespace sluice
