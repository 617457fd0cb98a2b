#include "json_view.h"

#include <limits>
#include <string>

namespace sluice::ctl {

const Json& Member(const Json& object, const char* key) {
  static const Json kNull;
  if (!object.is_object()) return kNull;
  auto found = object.find(key);
  return found == object.end() ? kNull : *found;
}

const Json& Items(const Json& object, const char* key) {
  static const Json kEmpty = Json::array();
  const Json& member = Member(object, key);
  return member.is_array() ? member : kEmpty;
}

std::string Text(const Json& object, const char* key) {
  const Json& member = Member(object, key);
  return member.is_string() ? Printable(member.get_ref<const std::string&>()) : "";
}

std::optional<double> Number(const Json& object, const char* key) {
  const Json& member = Member(object, key);
  if (!member.is_number()) return std::nullopt;
  return member.get<double>();
}

std::optional<uint64_t> Count(const Json& object, const char* key) {
  const Json& member = Member(object, key);
  if (member.is_number_unsigned()) return member.get<uint64_t>();
  if (!member.is_number()) return std::nullopt;
  const double value = member.get<double>();
  if (!(value > 0)) return 0;
  // 2^64, the first double that does not fit.
  if (value >= 18446744073709551616.0) return std::numeric_limits<uint64_t>::max();
  return static_cast<uint64_t>(value);
}

bool IsTrue(const Json& object, const char* key) {
  const Json& member = Member(object, key);
  return member.is_boolean() && member.get<bool>();
}

std::string Printable(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    // U+0080 to U+009F, which some terminals take for control characters.
    const bool c1 =
        c == 0xc2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    if (c1) ++i;
    out += c < 0x20 || c == 0x7f || c1 ? '?' : text[i];
  }
  return out;
}

}  // namespace sluice::ctl
