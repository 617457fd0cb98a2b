// Reads a JSON object without nested objects: all that requests may carry.
#ifndef SLUICE_CONTROLLER_WEB_FLAT_JSON_H_
#define SLUICE_CONTROLLER_WEB_FLAT_JSON_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"

namespace sluice {

// A whole number, a text, or a list of texts.
using FlatValue = std::variant<uint64_t, std::string, std::vector<std::string>>;
using FlatObject = std::map<std::string, FlatValue, std::less<>>;

// InvalidArgument with the field (json_codec.h, FieldOf) for anything else: other
// types, negative and fractional numbers, fields that are not `known` or come twice.
absl::StatusOr<FlatObject> ParseFlatObject(std::string_view text,
                                           const std::vector<std::string_view>& known);

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_WEB_FLAT_JSON_H_
