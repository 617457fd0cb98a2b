// Link probes as they are on the wire, and the signature of a proof.
#ifndef SLUICE_WIRE_PROBE_FRAME_H_
#define SLUICE_WIRE_PROBE_FRAME_H_

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "base/crypto.h"
#include "proto/probe.pb.h"

namespace sluice {

// The payload of an Ethernet frame.
std::string EncodeProbe(const probe::v1::Frame& frame);
// Any bytes at all; padding behind the message is left out. InvalidArgument if it is no probe,
// or one whose fields are out of bounds.
absl::StatusOr<probe::v1::Frame> DecodeProbe(std::string_view payload);

// Sets words and signature of `proof`.
void SignProof(const Ed25519Signer& identity, const probe::v1::ProofWords& words,
               probe::v1::Proof& proof);
bool VerifyProof(const PublicKey& identity, const probe::v1::Proof& proof);

}  // namespace sluice

#endif  // SLUICE_WIRE_PROBE_FRAME_H_
