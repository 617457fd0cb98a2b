#include <algorithm>
#include <limits>
#include <optional>
#include <utility>

#include "absl/strings/cord.h"
#include "base/status.h"
#include "base/strings.h"
#include "controller/web/flat_json.h"
#include "controller/web/json_codec.h"

namespace sluice {
namespace {

constexpr size_t kMaxReason = 200;
constexpr size_t kMaxPrefixes = 64;

template <typename T>
absl::StatusOr<T> Blame(std::string_view field, absl::StatusOr<T> value) {
  if (value.ok()) return value;
  return WithField(Annotate(value.status(), field), field);
}

const FlatValue* Find(const FlatObject& object, std::string_view field) {
  auto it = object.find(field);
  return it == object.end() ? nullptr : &it->second;
}

absl::Status Missing(std::string_view field, std::string_view example) {
  return WithField(
      absl::InvalidArgumentError(StrCat(field, " is missing; write for example ", example)), field);
}

absl::Status IsList(std::string_view field) {
  return WithField(absl::InvalidArgumentError(StrCat(field, ": must not be a list")), field);
}

absl::StatusOr<BitRate> RateFrom(const FlatValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return BitRate{*number};
  if (const auto* text = std::get_if<std::string>(&value))
    return Blame("rate", ParseBitRate(*text));
  return IsList("rate");
}

absl::StatusOr<Bytes> BytesFrom(std::string_view field, const FlatValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) return Bytes{*number};
  if (const auto* text = std::get_if<std::string>(&value)) return Blame(field, ParseBytes(*text));
  return IsList(field);
}

absl::StatusOr<absl::Duration> DurationFrom(std::string_view field, const FlatValue& value) {
  if (const auto* number = std::get_if<uint64_t>(&value)) {
    // What does not fit saturates, and is out of every field's range.
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    return absl::Seconds(static_cast<int64_t>(std::min(*number, kMost)));
  }
  if (const auto* text = std::get_if<std::string>(&value))
    return Blame(field, ParseDuration(*text));
  return IsList(field);
}

absl::StatusOr<std::string> TextFrom(std::string_view field, const FlatValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  return WithField(absl::InvalidArgumentError(StrCat(field, ": must be a text")), field);
}

absl::StatusOr<std::string> NameFrom(const FlatObject& object, std::string_view field,
                                     std::string_view example) {
  const FlatValue* value = Find(object, field);
  if (value == nullptr) return Missing(field, example);
  SLUICE_ASSIGN_OR_RETURN(std::string name, TextFrom(field, *value));
  absl::Status checked = CheckName(field, name);
  if (!checked.ok()) return WithField(checked, field);
  return name;
}

absl::StatusOr<bool> GatewayFrom(const FlatObject& object) {
  const FlatValue* value = Find(object, "role");
  if (value == nullptr) return false;
  SLUICE_ASSIGN_OR_RETURN(std::string role, TextFrom("role", *value));
  if (role == "node" || role == "gateway") return role == "gateway";
  return WithField(absl::InvalidArgumentError(
                       StrCat("role: ", ForMessage(role), " is no role; write node or gateway")),
                   "role");
}

absl::StatusOr<std::vector<IpPrefix>> PrefixesFrom(const FlatObject& object) {
  std::vector<IpPrefix> out;
  const FlatValue* value = Find(object, "prefixes");
  if (value == nullptr) return out;
  const auto* texts = std::get_if<std::vector<std::string>>(value);
  if (texts == nullptr || texts->size() > kMaxPrefixes)
    return WithField(absl::InvalidArgumentError(
                         StrCat("prefixes: must be a list of at most ", kMaxPrefixes,
                                " texts; write for example [\"10.1.0.0/24\",\"fd00:1::/64\"]")),
                     "prefixes");
  for (const std::string& text : *texts) {
    SLUICE_ASSIGN_OR_RETURN(IpPrefix prefix, Blame("prefixes", ParseIpPrefix(text)));
    out.push_back(prefix);
  }
  return out;
}

// Fills what has a default of its own.
absl::Status FillOptional(const FlatObject& object, Quota& quota) {
  if (const FlatValue* burst = Find(object, "burst")) {
    SLUICE_ASSIGN_OR_RETURN(quota.burst, BytesFrom("burst", *burst));
  } else {
    quota.burst = DefaultBurst(quota.rate, quota.scope.kind);
  }
  const FlatValue* per = Find(object, "per");
  const auto* text = per == nullptr ? nullptr : std::get_if<std::string>(per);
  if (per != nullptr && (text == nullptr || *text != "lifetime")) {
    SLUICE_ASSIGN_OR_RETURN(quota.window, DurationFrom("per", *per));
  }
  quota.lease_lifetime = quota.scope.is_link() ? kDefaultLeaseLifetime : kMaxLeaseLifetime;
  if (const FlatValue* lease = Find(object, "lease")) {
    SLUICE_ASSIGN_OR_RETURN(quota.lease_lifetime, DurationFrom("lease", *lease));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Quota> DecodeQuota(const Scope& scope, std::string_view body) {
  SLUICE_ASSIGN_OR_RETURN(FlatObject object,
                          ParseFlatObject(body, {"rate", "burst", "volume", "per", "lease"}));
  Quota quota;
  quota.scope = scope;
  quota.rate = kAnyRate;
  quota.volume = kAnyVolume;
  const FlatValue* rate = Find(object, "rate");
  const FlatValue* volume = Find(object, "volume");
  const bool needs_all = scope.is_link() || (rate == nullptr && volume == nullptr);
  if (rate == nullptr && needs_all) return Missing("rate", "\"100Mbit\"");
  if (volume == nullptr && needs_all) return Missing("volume", "\"1GB\"");
  if (rate != nullptr) {
    SLUICE_ASSIGN_OR_RETURN(quota.rate, RateFrom(*rate));
  }
  if (volume != nullptr) {
    SLUICE_ASSIGN_OR_RETURN(quota.volume, BytesFrom("volume", *volume));
  }
  SLUICE_RETURN_IF_ERROR(FillOptional(object, quota));
  absl::Status checked = CheckQuota(quota);
  if (!checked.ok()) return WithField(checked, FieldOf(checked));
  if (Find(object, "burst") == nullptr) quota.burst = Bytes{0};
  return quota;
}

absl::StatusOr<NewNodeBody> DecodeNewNode(std::string_view body) {
  SLUICE_ASSIGN_OR_RETURN(FlatObject object,
                          ParseFlatObject(body, {"name", "enclosure", "role", "prefixes"}));
  NewNodeBody out;
  SLUICE_ASSIGN_OR_RETURN(out.name, NameFrom(object, "name", "\"a1\""));
  SLUICE_ASSIGN_OR_RETURN(out.enclosure, NameFrom(object, "enclosure", "\"east\""));
  SLUICE_ASSIGN_OR_RETURN(out.gateway, GatewayFrom(object));
  SLUICE_ASSIGN_OR_RETURN(out.prefixes, PrefixesFrom(object));
  return out;
}

absl::StatusOr<std::string> DecodeReason(std::string_view body) {
  if (body.empty()) return "";
  SLUICE_ASSIGN_OR_RETURN(FlatObject object, ParseFlatObject(body, {"reason"}));
  const FlatValue* value = Find(object, "reason");
  if (value == nullptr) return "";
  SLUICE_ASSIGN_OR_RETURN(std::string reason, TextFrom("reason", *value));
  auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  if (reason.size() > kMaxReason || std::any_of(reason.begin(), reason.end(), is_control))
    return WithField(absl::InvalidArgumentError(
                         StrCat("reason: must be one line of at most ", kMaxReason, " bytes")),
                     "reason");
  return reason;
}

absl::Status DecodeNothing(std::string_view body) {
  if (body.empty()) return absl::OkStatus();
  return ParseFlatObject(body, {}).status();
}

}  // namespace sluice
