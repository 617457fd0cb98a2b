#include "controller/store/column_visitors.h"

#include <sqlite3.h>

#include <cstring>
#include <limits>

#include "base/strings.h"

namespace sluice {

void ColumnBinder::Column(const char* name, const std::string& value) {
  Took(name, sqlite3_bind_text64(statement_.get(), ++index_, value.data(), value.size(),
                                 SQLITE_TRANSIENT, SQLITE_UTF8));
}

void ColumnBinder::Column(const char* name, bool value) {
  Column(name, static_cast<int64_t>(value));
}

void ColumnBinder::Column(const char* name, uint32_t value) {
  Column(name, static_cast<int64_t>(value));
}

void ColumnBinder::Column(const char* name, uint64_t value) {
  if (value > static_cast<uint64_t>(std::numeric_limits<int64_t>::max())) {
    if (status_.ok())
      status_ = absl::InvalidArgumentError(StrCat("column ", name, ": ", value, " is too large"));
    value = 0;
  }
  Column(name, static_cast<int64_t>(value));
}

void ColumnBinder::Column(const char* name, int64_t value) {
  Took(name, sqlite3_bind_int64(statement_.get(), ++index_, value));
}

void ColumnBinder::Blob(const char* name, const void* data, size_t size) {
  // A null pointer would bind NULL, which an empty blob is not.
  Took(name, sqlite3_bind_blob64(statement_.get(), ++index_, size == 0 ? "" : data, size,
                                 SQLITE_TRANSIENT));
}

void ColumnBinder::Null(const char* name) {
  Took(name, sqlite3_bind_null(statement_.get(), ++index_));
}

void ColumnBinder::Took(const char* name, int result) {
  if (result != SQLITE_OK && status_.ok())
    status_ = absl::InvalidArgumentError(StrCat("column ", name, ": ", sqlite3_errstr(result)));
}

void ColumnReader::Column(const char* name, std::string& value) {
  const int column = index_++;
  if (sqlite3_column_type(statement_.get(), column) != SQLITE_TEXT)
    return Fail(name, "is not text");
  const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(statement_.get(), column));
  if (text == nullptr) return Fail(name, "is not readable");
  value.assign(text, static_cast<size_t>(sqlite3_column_bytes(statement_.get(), column)));
}

void ColumnReader::Column(const char* name, bool& value) {
  int64_t number = 0;
  Column(name, number);
  if (number != 0 && number != 1) return Fail(name, "is neither 0 nor 1");
  value = number == 1;
}

void ColumnReader::Column(const char* name, uint32_t& value) {
  int64_t number = 0;
  Column(name, number);
  if (number < 0 || number > std::numeric_limits<uint32_t>::max())
    return Fail(name, "is out of range");
  value = static_cast<uint32_t>(number);
}

void ColumnReader::Column(const char* name, uint64_t& value) {
  int64_t number = 0;
  Column(name, number);
  if (number < 0) return Fail(name, "is negative");
  value = static_cast<uint64_t>(number);
}

void ColumnReader::Column(const char* name, int64_t& value) {
  const int column = index_++;
  if (sqlite3_column_type(statement_.get(), column) != SQLITE_INTEGER)
    return Fail(name, "is not an integer");
  value = sqlite3_column_int64(statement_.get(), column);
}

void ColumnReader::Blob(const char* name, std::string& value) {
  const int column = index_++;
  if (sqlite3_column_type(statement_.get(), column) != SQLITE_BLOB)
    return Fail(name, "is not a blob");
  const auto* data = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  value.assign(data == nullptr ? "" : data, static_cast<size_t>(size));
}

bool ColumnReader::TakeNull() {
  if (sqlite3_column_type(statement_.get(), index_) != SQLITE_NULL) return false;
  ++index_;
  return true;
}

void ColumnReader::FixedBlob(const char* name, uint8_t* data, size_t size) {
  std::string bytes;
  Blob(name, bytes);
  if (bytes.size() != size) return Fail(name, "has the wrong size");
  std::memcpy(data, bytes.data(), size);
}

void ColumnReader::Fail(const char* name, const char* problem) {
  if (status_.ok()) status_ = absl::DataLossError(StrCat("column ", name, " ", problem));
}

}  // namespace sluice
