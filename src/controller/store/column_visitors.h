// What visits the columns of a record: one visitor lists their names, one binds
// them to a statement, one reads them back.
#ifndef SLUICE_CONTROLLER_STORE_COLUMN_VISITORS_H_
#define SLUICE_CONTROLLER_STORE_COLUMN_VISITORS_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/units.h"
#include "controller/store/sqlite_db.h"
#include "model/ledger.h"

namespace sluice {

class ColumnNames {
 public:
  template <typename T>
  void Column(const char* name, const T&) {
    names_.push_back(name);
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
};

// Binds parameters 1, 2, … in the order of the calls.
class ColumnBinder {
 public:
  explicit ColumnBinder(const SqliteStatement& statement) : statement_(statement) {}

  void Column(const char* name, const std::string& value);
  void Column(const char* name, bool value);
  void Column(const char* name, uint32_t value);
  void Column(const char* name, uint64_t value);
  void Column(const char* name, int64_t value);
  void Column(const char* name, Bytes value) { Column(name, value.value); }
  void Column(const char* name, BitRate value) { Column(name, value.bps); }
  void Column(const char* name, LedgerTime value) { Column(name, value.ns); }
  void Column(const char* name, BootTime value) { Column(name, value.ns); }
  void Column(const char* name, absl::Duration value) {
    Column(name, absl::ToInt64Nanoseconds(value));
  }
  template <size_t kSize>
  void Column(const char* name, const std::array<uint8_t, kSize>& value) {
    Blob(name, value.data(), kSize);
  }
  template <typename T>
  void Column(const char* name, const std::optional<T>& value) {
    value ? Column(name, *value) : Null(name);
  }
  void Blob(const char* name, const void* data, size_t size);

  const absl::Status& status() const { return status_; }

 private:
  void Null(const char* name);
  void Took(const char* name, int result);

  const SqliteStatement& statement_;
  int index_ = 0;
  absl::Status status_;
};

// Reads columns 0, 1, … in the order of the calls. After the first value that
// has the wrong type, size or range, status() says so.
class ColumnReader {
 public:
  explicit ColumnReader(const SqliteStatement& statement) : statement_(statement) {}

  void Column(const char* name, std::string& value);
  void Column(const char* name, bool& value);
  void Column(const char* name, uint32_t& value);
  void Column(const char* name, uint64_t& value);
  void Column(const char* name, int64_t& value);
  void Column(const char* name, Bytes& value) { Column(name, value.value); }
  void Column(const char* name, BitRate& value) { Column(name, value.bps); }
  void Column(const char* name, LedgerTime& value) { Column(name, value.ns); }
  void Column(const char* name, BootTime& value) { Column(name, value.ns); }
  void Column(const char* name, absl::Duration& value) {
    int64_t ns = 0;
    Column(name, ns);
    value = absl::Nanoseconds(ns);
  }
  template <size_t kSize>
  void Column(const char* name, std::array<uint8_t, kSize>& value) {
    FixedBlob(name, value.data(), kSize);
  }
  template <typename T>
  void Column(const char* name, std::optional<T>& value) {
    if (TakeNull()) {
      value.reset();
    } else {
      Column(name, value.emplace());
    }
  }
  void Blob(const char* name, std::string& value);

  const absl::Status& status() const { return status_; }

 private:
  bool TakeNull();
  void FixedBlob(const char* name, uint8_t* data, size_t size);
  void Fail(const char* name, const char* problem);

  const SqliteStatement& statement_;
  int index_ = 0;
  absl::Status status_;
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_COLUMN_VISITORS_H_
