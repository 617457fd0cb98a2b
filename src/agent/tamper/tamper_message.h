// What a sensor daemon says to the agent: one line of text with an authentication code.
// docs/tamper.md is its contract.
#ifndef SLUICE_AGENT_TAMPER_TAMPER_MESSAGE_H_
#define SLUICE_AGENT_TAMPER_TAMPER_MESSAGE_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/clock.h"
#include "base/secret.h"

namespace sluice {

inline constexpr size_t kMaxTamperMessage = 1024;

struct TamperMessage {
  enum class Kind { kHeartbeat, kTamper };
  Kind kind = Kind::kHeartbeat;
  std::string boot_id;  // of the kernel: a message is good for one boot of one machine
  BootTime sent_at;
  std::string words;
  friend bool operator==(const TamperMessage&, const TamperMessage&) = default;
};

// CODE is HMAC-SHA-256 over all that follows the first space, in hex:
//   CODE sluice-tamper/1 BOOT_ID NANOSECONDS heartbeat|tamper[ WORDS]
std::string SealTamperMessage(const Secret32& key, const TamperMessage& message);

// PermissionDenied if the code does not fit; InvalidArgument if it does not parse. It does
// not say whether the message is new. One newline at the end is ignored.
absl::StatusOr<TamperMessage> OpenTamperMessage(const Secret32& key, std::string_view text);

// What follows the code.
absl::StatusOr<TamperMessage> ParseTamperBody(std::string_view body);

// 64 hexadecimal digits and perhaps a newline.
absl::StatusOr<Secret32> ParseTamperKey(std::string_view text);

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_TAMPER_MESSAGE_H_
