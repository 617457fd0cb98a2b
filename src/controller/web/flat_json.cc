#include "controller/web/flat_json.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/strings.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

using nlohmann::json;

// Up to here a double holds every whole number exactly.
constexpr double kExactDouble = 9007199254740992.0;

constexpr size_t kMaxFieldName = 64;   // of what a message repeats
constexpr int kErrorOutOfRange = 406;  // nlohmann: a number that no double holds

// Builds the object event by event; stops the parser at the first thing that is
// wrong, so that depth and size of the rest do not matter.
class Reader final : public nlohmann::json_sax<json> {
 public:
  explicit Reader(const std::vector<std::string_view>& known) : known_(known) {}

  absl::Status status() const { return status_; }
  FlatObject Take() { return std::move(object_); }

  bool start_object(std::size_t) override {
    if (in_object_) return Refuse("must not be an object");
    in_object_ = true;
    return true;
  }
  bool end_object() override { return true; }

  bool key(string_t& name) override {
    field_ = name.substr(0, kMaxFieldName);
    if (std::find(known_.begin(), known_.end(), name) == known_.end()) return RefuseUnknown();
    if (object_.contains(name)) return Refuse("stands twice");
    return true;
  }

  bool start_array(std::size_t) override {
    if (in_list_) return Refuse("must not be a list in a list");
    if (!in_object_) return Refuse("");
    in_list_ = true;
    object_[field_] = std::vector<std::string>();
    return true;
  }
  bool end_array() override {
    in_list_ = false;
    return true;
  }

  bool string(string_t& text) override {
    if (!in_list_) return Put(std::move(text));
    std::get<std::vector<std::string>>(object_[field_]).push_back(std::move(text));
    return true;
  }
  bool number_unsigned(number_unsigned_t value) override { return Put(uint64_t{value}); }
  bool number_integer(number_integer_t value) override {
    return value < 0 ? Refuse("must not be negative") : Put(static_cast<uint64_t>(value));
  }
  bool number_float(number_float_t value, const string_t&) override {
    if (value < 0) return Refuse("must not be negative");
    if (value > kExactDouble) return Refuse("is too large a number");
    if (std::floor(value) != value)
      return Refuse("must be a whole number; write a fraction as text with its unit");
    return Put(static_cast<uint64_t>(value));
  }
  bool boolean(bool) override { return Refuse("must be a number or a text"); }
  bool null() override { return Refuse("must be a number or a text; leave it out if not wanted"); }
  bool binary(binary_t&) override { return Refuse("must be a number or a text"); }

  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception& error) override {
    if (error.id == kErrorOutOfRange) return Refuse("is too large a number");
    if (!status_.ok()) return false;
    status_ = absl::InvalidArgumentError(StrCat("the body is not JSON (byte ", position,
                                                "); write for example {\"rate\":\"100Mbit\"}"));
    if (!field_.empty()) status_ = WithField(status_, field_);
    return false;
  }

 private:
  bool Put(FlatValue value) {
    if (!in_object_) return Refuse("");
    if (in_list_) return Refuse("must hold texts only");
    object_[field_] = std::move(value);
    return true;
  }

  bool Refuse(std::string_view problem) {
    if (!in_object_) {
      status_ = absl::InvalidArgumentError("the body must be a JSON object, as in {\"name\":…}");
      return false;
    }
    status_ = WithField(absl::InvalidArgumentError(StrCat(field_, ": ", problem)), field_);
    return false;
  }

  bool RefuseUnknown() {
    std::string list;
    for (std::string_view name : known_) list = StrCat(list, list.empty() ? "" : ", ", name);
    status_ = WithField(
        absl::InvalidArgumentError(StrCat("there is no field ", ForMessage(field_), " here",
                                          list.empty() ? "" : "; the fields are ", list)),
        field_);
    return false;
  }

  const std::vector<std::string_view>& known_;
  bool in_object_ = false;
  bool in_list_ = false;
  std::string field_;
  FlatObject object_;
  absl::Status status_;
};

}  // namespace

absl::StatusOr<FlatObject> ParseFlatObject(std::string_view text,
                                           const std::vector<std::string_view>& known) {
  if (text.empty()) return absl::InvalidArgumentError("the body is empty; send a JSON object");
  Reader reader(known);
  const bool complete = json::sax_parse(text.begin(), text.end(), &reader);
  if (!reader.status().ok()) return reader.status();
  if (!complete) return absl::InvalidArgumentError("the body is not JSON");
  return reader.Take();
}

}  // namespace sluice
