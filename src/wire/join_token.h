// The one-time text by which a node joins a fleet. It pins the controller (its
// WireGuard key), says where it is, and carries the secret of a tunnel that is
// good for enrolling and nothing else.
#ifndef SLUICE_WIRE_JOIN_TOKEN_H_
#define SLUICE_WIRE_JOIN_TOKEN_H_

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/secret.h"
#include "model/prefix.h"

namespace sluice {

struct JoinToken {
  std::string node;
  std::string endpoint;        // UDP, "HOST:PORT"; HOST is a name or an address
  PublicKey controller_key{};  // WireGuard
  Secret32 secret;
  IpAddress address;    // the token's own, inside the control tunnel
  Endpoint controller;  // gRPC, inside the control tunnel
  absl::Time expires;   // to show only, in whole seconds; the controller decides
};

// "sluice1." + base64url(JSON) + "." + 8 hex digits of SHA-256 of all before the
// last ".". A token that DecodeJoinToken refuses must not be encoded.
std::string EncodeJoinToken(const JoinToken& token);

// Ignores white space around the text. InvalidArgument says whether the text is
// cut short or mistyped, or which field is wrong; it never shows the secret.
absl::StatusOr<JoinToken> DecodeJoinToken(std::string_view text);

// The WireGuard private key of the token's tunnel. The controller stores only
// its public key.
Secret32 JoinTunnelKey(const Secret32& token_secret);

// "HOST:PORT" where HOST is a DNS name, an IPv4 address or a bracketed IPv6
// address. InvalidArgument otherwise. Names are not looked up.
absl::Status CheckHostPort(std::string_view what, std::string_view text);

}  // namespace sluice

#endif  // SLUICE_WIRE_JOIN_TOKEN_H_
