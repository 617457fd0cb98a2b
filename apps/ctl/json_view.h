// Reading the API's JSON without trusting its shape: a field that is missing
// or of another type reads as absent.
#ifndef SLUICE_APPS_CTL_JSON_VIEW_H_
#define SLUICE_APPS_CTL_JSON_VIEW_H_

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/units.h"

namespace sluice::ctl {

using Json = nlohmann::json;

// The member `key`, or null.
const Json& Member(const Json& object, const char* key);
// The array member `key`, or an empty array.
const Json& Items(const Json& object, const char* key);

// A text member, fit for a terminal (see Printable), or "" if there is none.
std::string Text(const Json& object, const char* key);
// A number member; a count is cut to the range of its type.
std::optional<double> Number(const Json& object, const char* key);
std::optional<uint64_t> Count(const Json& object, const char* key);
bool IsTrue(const Json& object, const char* key);

// Control characters out, so that no name or reason writes to the terminal.
std::string Printable(const std::string& text);

}  // namespace sluice::ctl

#endif  // SLUICE_APPS_CTL_JSON_VIEW_H_
