#include "agent/tamper/tamper_message.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "base/crypto.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::string_view kFormat = "sluice-tamper/1";
constexpr size_t kCodeDigits = 64;

std::string BodyOf(const TamperMessage& message) {
  const bool tamper = message.kind == TamperMessage::Kind::kTamper;
  return StrCat(kFormat, " ", message.boot_id, " ", message.sent_at.ns, " ",
                tamper ? "tamper" : "heartbeat", message.words.empty() ? "" : " ", message.words);
}

std::string_view WithoutNewline(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return text;
}

// Up to the next space, which is taken too.
std::string_view TakeWord(std::string_view& rest) {
  const size_t space = std::min(rest.find(' '), rest.size());
  const std::string_view word = rest.substr(0, space);
  rest.remove_prefix(std::min(space + 1, rest.size()));
  return word;
}

std::optional<int64_t> ParseInstant(std::string_view text) {
  int64_t ns = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ns);
  const bool whole = error == std::errc() && end == text.data() + text.size();
  return whole && ns > 0 ? std::optional(ns) : std::nullopt;
}

}  // namespace

std::string SealTamperMessage(const Secret32& key, const TamperMessage& message) {
  const std::string body = BodyOf(message);
  return StrCat(ToHex(HmacSha256(key, body)), " ", body);
}

absl::StatusOr<TamperMessage> ParseTamperBody(std::string_view body) {
  if (TakeWord(body) != kFormat)
    return absl::InvalidArgumentError("the message is not of the form sluice-tamper/1");
  TamperMessage message;
  message.boot_id = std::string(TakeWord(body));
  const auto ns = ParseInstant(TakeWord(body));
  if (message.boot_id.empty() || !ns)
    return absl::InvalidArgumentError("the message lacks its boot id or its time");
  message.sent_at = BootTime{*ns};
  const std::string_view kind = TakeWord(body);
  if (kind != "heartbeat" && kind != "tamper")
    return absl::InvalidArgumentError("the message is neither heartbeat nor tamper");
  message.kind = kind == "tamper" ? TamperMessage::Kind::kTamper : TamperMessage::Kind::kHeartbeat;
  message.words = std::string(body);
  return message;
}

absl::StatusOr<TamperMessage> OpenTamperMessage(const Secret32& key, std::string_view text) {
  if (text.size() > kMaxTamperMessage) return absl::InvalidArgumentError("the message is too long");
  text = WithoutNewline(text);
  if (text.size() <= kCodeDigits || text[kCodeDigits] != ' ')
    return absl::InvalidArgumentError("the message has no code");
  const absl::StatusOr<std::string> code = FromHex(text.substr(0, kCodeDigits));
  if (!code.ok()) return absl::InvalidArgumentError("the message's code is not in hex");
  const std::string_view body = text.substr(kCodeDigits + 1);
  const std::span<const uint8_t> given(reinterpret_cast<const uint8_t*>(code->data()),
                                       code->size());
  if (!SameBytes(HmacSha256(key, body), given))
    return absl::PermissionDeniedError("the message's code does not fit: another key or altered");
  return ParseTamperBody(body);
}

absl::StatusOr<Secret32> ParseTamperKey(std::string_view text) {
  absl::StatusOr<std::string> bytes = FromHex(WithoutNewline(text));
  if (!bytes.ok() || bytes->size() != 32)
    return absl::InvalidArgumentError("a tamper key is 64 hexadecimal digits");
  const std::span<const uint8_t, 32> key(reinterpret_cast<const uint8_t*>(bytes->data()), 32);
  Secret32 secret(key);
  Wipe(bytes->data(), bytes->size());
  return secret;
}

}  // namespace sluice
