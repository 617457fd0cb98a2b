// How two nodes agree on the keys of an epoch: an ephemeral Diffie-Hellman exchange
// (X25519, RFC 7748) signed by the nodes' identities (Ed25519, RFC 8032), after SIGMA
// (Krawczyk, "SIGMA: the SIGn-and-MAc approach", CRYPTO 2003), and HKDF (RFC 5869) with the
// controller's secret for the epoch as its salt. Who has only one of the two inputs has
// nothing. docs/protocol.md, "Link keys".
#ifndef SLUICE_WIRE_LINK_KEYS_H_
#define SLUICE_WIRE_LINK_KEYS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "model/link_epoch.h"
#include "proto/agent.pb.h"

namespace sluice {

// A node's part. proto/agent.proto, SignedKeyOffer, says what each field means.
struct KeyOffer {
  std::string fleet;
  std::string from;
  std::string to;
  uint64_t epoch = 0;
  PublicKey ephemeral{};
  PublicKey tunnel_key{};
  uint32_t spi = 0;
  friend bool operator==(const KeyOffer&, const KeyOffer&) = default;
};

// Addressed to offer.to.
agent::v1::KeyOffer SignKeyOffer(const Ed25519Signer& identity, const KeyOffer& offer);

// PermissionDenied if `identity` did not sign it; InvalidArgument if it is signed and does
// not parse. It does not say whether it is for this node, fleet or epoch.
absl::StatusOr<KeyOffer> VerifyKeyOffer(const PublicKey& identity,
                                        const agent::v1::KeyOffer& words);

// One end of an exchange, complete.
struct KeyExchange {
  const Secret32& ephemeral;  // private, of ours.ephemeral
  const Secret32& secret;     // the controller's
  const KeyOffer& ours;
  const KeyOffer& theirs;
  const PublicKey& our_identity;
  const PublicKey& their_identity;
};
struct LinkKeys {
  TunnelEpoch epoch;
  Secret32 confirm;  // the key of KeyStateCode
};
// What both ends make the same of it, each seen from its side. InvalidArgument if the
// peer's ephemeral key is one that gives no secret.
absl::StatusOr<LinkKeys> MakeLinkKeys(const KeyExchange& exchange);

// Proves that who says it has the epoch's keys.
std::array<uint8_t, 32> KeyStateCode(const Secret32& confirm, const std::string& from,
                                     uint64_t epoch, agent::v1::KeyStage stage);

}  // namespace sluice

#endif  // SLUICE_WIRE_LINK_KEYS_H_
