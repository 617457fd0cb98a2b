// A thin hold on SQLite: handles that close themselves, errors as statuses.
#ifndef SLUICE_CONTROLLER_STORE_SQLITE_DB_H_
#define SLUICE_CONTROLLER_STORE_SQLITE_DB_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

struct sqlite3;
struct sqlite3_stmt;

namespace sluice {

// A prepared statement. Parameters and columns are numbered as SQLite does:
// parameters from 1, columns from 0.
class SqliteStatement {
 public:
  explicit SqliteStatement(sqlite3_stmt* statement) : statement_(statement) {}
  sqlite3_stmt* get() const { return statement_.get(); }

 private:
  struct Finalizer {
    void operator()(sqlite3_stmt* statement) const;
  };
  std::unique_ptr<sqlite3_stmt, Finalizer> statement_;
};

// One connection. Not thread-safe.
class SqliteDb {
 public:
  // Opens or creates `path` for this process alone. Errors say what to do.
  static absl::StatusOr<SqliteDb> Open(const std::string& path);

  const std::string& path() const { return path_; }
  absl::Status Execute(const std::string& sql);
  absl::StatusOr<SqliteStatement> Prepare(const std::string& sql);
  // True: a row is there. False: done.
  absl::StatusOr<bool> Step(const SqliteStatement& statement);
  // The one integer that `sql` yields.
  absl::StatusOr<int64_t> Integer(const std::string& sql);
  absl::StatusOr<std::string> Text(const std::string& sql);
  // The status of the connection's last error, with `path` and advice.
  absl::Status Error(std::string_view what) const;

 private:
  struct Closer {
    void operator()(sqlite3* db) const;
  };
  SqliteDb(std::string path, sqlite3* db) : path_(std::move(path)), db_(db) {}

  std::string path_;
  std::unique_ptr<sqlite3, Closer> db_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_SQLITE_DB_H_
