#include "wire/join_token.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"

namespace sluice {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "sluice1.";
constexpr size_t kCheckDigits = 8;
constexpr size_t kMaxTokenSize = 2048;
constexpr size_t kMaxHostLength = 253;  // of a DNS name
// The year 36812; beyond it seconds are certainly something else.
constexpr int64_t kMaxExpiry = int64_t{1} << 40;
constexpr std::string_view kRemedy =
    "; copy the whole token again, or make a new one with `sluicectl node add`";

absl::Status BadToken(std::string_view problem) {
  return absl::InvalidArgumentError(StrCat("join token: ", problem, kRemedy));
}

std::string CheckText(std::string_view text) { return ToHex(Sha256(text)).substr(0, kCheckDigits); }

// The text between prefix and check, if both are right.
absl::StatusOr<std::string_view> StripEnvelope(std::string_view text) {
  if (text.empty()) return BadToken("it is empty");
  if (text.size() > kMaxTokenSize) return BadToken("it is too long to be one");
  if (!text.starts_with(kPrefix))
    return BadToken(StrCat("it does not start with \"", kPrefix, "\""));
  size_t dot = text.rfind('.');
  if (dot < kPrefix.size() || text.size() - dot - 1 != kCheckDigits)
    return BadToken("it is cut short or has extra characters");
  if (CheckText(text.substr(0, dot)) != text.substr(dot + 1))
    return BadToken("it is mistyped or damaged (its check digits do not fit)");
  return text.substr(kPrefix.size(), dot - kPrefix.size());
}

absl::StatusOr<json> ParseBody(std::string_view encoded) {
  std::string body;
  // Re-encoding refuses padding, white space and stray bits.
  if (!absl::WebSafeBase64Unescape(ToAbsl(encoded), &body) ||
      absl::WebSafeBase64Escape(body) != ToAbsl(encoded))
    return BadToken("its middle is not base64url");
  json object = json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!object.is_object()) return BadToken("it does not hold a JSON object");
  return object;
}

absl::StatusOr<std::string> TextField(const json& object, const char* key) {
  auto found = object.find(key);
  if (found == object.end() || !found->is_string())
    return BadToken(StrCat("its field \"", key, "\" is missing or not a text"));
  return found->get_ref<const std::string&>();
}

absl::StatusOr<Secret32> ParseSecret(std::string_view text) {
  absl::StatusOr<std::string> bytes = FromBase64(text);
  if (!bytes.ok() || bytes->size() != 32) return BadToken("its secret is not 32 bytes in base64");
  Secret32 secret;
  std::copy(bytes->begin(), bytes->end(), secret.mutable_bytes().begin());
  Wipe(bytes->data(), bytes->size());
  if (secret.IsZero()) return BadToken("its secret is all zeros");
  return secret;
}

absl::StatusOr<absl::Time> ParseExpiry(const json& object) {
  auto found = object.find("x");
  if (found == object.end() || !found->is_number_unsigned() ||
      found->get<uint64_t>() > static_cast<uint64_t>(kMaxExpiry))
    return BadToken("its expiry is missing or out of range");
  return absl::FromUnixSeconds(found->get<int64_t>());
}

bool IsHostName(std::string_view host) {
  if (host.empty() || host.size() > kMaxHostLength || !absl::ascii_isalnum(host[0])) return false;
  // A last label of digits is a mistyped IPv4 address.
  std::string_view last = host.substr(host.rfind('.') + 1);
  return std::all_of(host.begin(), host.end(),
                     [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '.'; }) &&
         !std::all_of(last.begin(), last.end(), absl::ascii_isdigit);
}

// The token's fields that are addresses.
absl::Status ParseAddresses(const json& object, JoinToken& token) {
  SLUICE_ASSIGN_OR_RETURN(token.endpoint, TextField(object, "e"));
  SLUICE_RETURN_IF_ERROR(CheckHostPort("join token: the controller's endpoint", token.endpoint));
  SLUICE_ASSIGN_OR_RETURN(std::string address, TextField(object, "a"));
  SLUICE_ASSIGN_OR_RETURN(std::string controller, TextField(object, "c"));
  absl::StatusOr<IpAddress> own = ParseIpAddress(address);
  if (!own.ok()) return BadToken("its tunnel address is no IP address");
  absl::StatusOr<Endpoint> grpc = ParseEndpoint(controller);
  if (!grpc.ok()) return BadToken("the controller's tunnel address is no address and port");
  token.address = *own;
  token.controller = *grpc;
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckHostPort(std::string_view what, std::string_view text) {
  if (ParseEndpoint(text).ok()) return absl::OkStatus();
  size_t colon = text.rfind(':');
  // ParseEndpoint judges the port, behind an address that it takes.
  const bool ok = colon != std::string_view::npos && IsHostName(text.substr(0, colon)) &&
                  ParseEndpoint(StrCat("192.0.2.1", text.substr(colon))).ok();
  if (ok) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat(what, " ", ForMessage(text),
             " is no HOST:PORT; write for example controller.example:51819, 192.0.2.1:51819 or "
             "[2001:db8::1]:51819"));
}

std::string EncodeJoinToken(const JoinToken& token) {
  const json object = {{"n", token.node},
                       {"e", token.endpoint},
                       {"k", ToBase64(token.controller_key)},
                       {"s", ToBase64(token.secret.bytes())},
                       {"a", token.address.ToString()},
                       {"c", token.controller.ToString()},
                       {"x", absl::ToUnixSeconds(token.expires)}};
  // "replace" instead of an exception, should a field not be UTF-8.
  const std::string body = object.dump(-1, ' ', false, json::error_handler_t::replace);
  const std::string text = StrCat(kPrefix, absl::WebSafeBase64Escape(body));
  return StrCat(text, ".", CheckText(text));
}

absl::StatusOr<JoinToken> DecodeJoinToken(std::string_view text) {
  SLUICE_ASSIGN_OR_RETURN(std::string_view encoded,
                          StripEnvelope(ToStd(absl::StripAsciiWhitespace(ToAbsl(text)))));
  SLUICE_ASSIGN_OR_RETURN(json object, ParseBody(encoded));
  JoinToken token;
  SLUICE_ASSIGN_OR_RETURN(token.node, TextField(object, "n"));
  SLUICE_RETURN_IF_ERROR(CheckName("join token: the node", token.node));
  SLUICE_RETURN_IF_ERROR(ParseAddresses(object, token));
  SLUICE_ASSIGN_OR_RETURN(std::string key, TextField(object, "k"));
  absl::StatusOr<PublicKey> controller_key = PublicKeyFromBase64(key);
  if (!controller_key.ok()) return BadToken("the controller's key is not 32 bytes in base64");
  token.controller_key = *controller_key;
  SLUICE_ASSIGN_OR_RETURN(std::string secret, TextField(object, "s"));
  SLUICE_ASSIGN_OR_RETURN(token.secret, ParseSecret(secret));
  SLUICE_ASSIGN_OR_RETURN(token.expires, ParseExpiry(object));
  return token;
}

Secret32 JoinTunnelKey(const Secret32& token_secret) {
  std::string_view key(reinterpret_cast<const char*>(token_secret.bytes().data()),
                       token_secret.bytes().size());
  return HkdfSha256(key, "sluice join", "wireguard");
}

}  // namespace sluice
