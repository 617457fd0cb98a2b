// Rows of the ledger file. A record's columns are named once, in Visit(); the
// same list binds them, reads them and makes the SQL, so that none can differ.
#ifndef SLUICE_CONTROLLER_STORE_RECORD_CODEC_H_
#define SLUICE_CONTROLLER_STORE_RECORD_CODEC_H_

#include <string>

#include "absl/status/status.h"
#include "controller/store/sqlite_db.h"
#include "model/fleet_event.h"
#include "model/ledger.h"

namespace sluice {

// "INSERT INTO table (…) VALUES (…) ON CONFLICT …" and "SELECT … FROM table"
// with every column of the record.
template <typename Record>
std::string UpsertSql();
template <typename Record>
std::string SelectSql();

// Binds every column. InvalidArgument if a value does not fit its column.
template <typename Record>
absl::Status BindRecord(const SqliteStatement& statement, const Record& record);

// Reads the current row. DataLoss, naming table, column and what is wrong, for
// anything that BindRecord would not have written.
template <typename Record>
absl::Status ReadRecord(const SqliteStatement& statement, Record& record);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_RECORD_CODEC_H_
