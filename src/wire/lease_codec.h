// Leases to and from the wire, signed and checked. Pure functions.
#ifndef SLUICE_WIRE_LEASE_CODEC_H_
#define SLUICE_WIRE_LEASE_CODEC_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "model/lease.h"
#include "proto/agent.pb.h"

namespace sluice {

// A receiver's lifetime counts from its last heartbeat, so it may exceed the
// sender's by that heartbeat's age.
inline constexpr absl::Duration kMaxLeaseLifetimeOnWire = absl::Minutes(24 * 60 + 5);
// A fleet's name on the wire: 1 to 64 printable ASCII characters.
inline constexpr size_t kMaxFleetNameLength = 64;

agent::v1::Role ToProto(Role role);
// InvalidArgument for any value but send and receive.
absl::StatusOr<Role> FromProto(agent::v1::Role role);

// An all-zero request id, which a pushed lease has, is empty on the wire.
agent::v1::Lease ToProto(const Lease& lease);

// Checks every field's size and range and that the node is the end of the link
// that its role says; InvalidArgument names the field. It does not say whether
// the lease is for this node, this boot or newer than the last.
absl::StatusOr<Lease> FromProto(const agent::v1::Lease& proto);

// `seed` is the fleet's Ed25519 lease-signing seed. The lease must pass
// FromProto's checks, or nobody will take it.
agent::v1::SignedLease SignLease(const Ed25519Signer& signer, const Lease& lease);

// PermissionDenied if `key` did not sign it; InvalidArgument if it is signed
// but does not parse, has fields unknown to this version (which may restrict
// it) or fails FromProto's checks.
absl::StatusOr<Lease> VerifyLease(const PublicKey& key, const agent::v1::SignedLease& signed_lease);

}  // namespace sluice

#endif  // SLUICE_WIRE_LEASE_CODEC_H_
