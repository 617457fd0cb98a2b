// Bugs that are planted on purpose, to show that the simulator finds them. They
// exist only in a build with SLUICE_MUTATIONS; in any other Mutated() is false
// at compile time and nothing of them is left.
#ifndef SLUICE_BASE_MUTATION_H_
#define SLUICE_BASE_MUTATION_H_

#include <array>
#include <string_view>

namespace sluice {

enum class Mutation {
  kNone,
  // Conservation: what is reported as used is not counted as spent.
  kReportNotSpent,
  // Conservation: a grant reserves nothing in the scopes around its link.
  kScopeForgotten,
  // Durable before visible: a lease leaves although its commit failed.
  kVisibleBeforeDurable,
  // Unreported is spent: a reboot gives back what was never reported.
  kUnreportedForgiven,
  // Unreported is spent: a report of an open gate gives back its slice.
  kOpenIsFinal,
  // Renewal resets nothing: each lease begins the whole volume anew.
  kRenewalResets,
  // Time: the controller takes a lease as dead when it ends by its own clock.
  kDeadTooSoon,
  // Time: the agent counts a lifetime from the lease's arrival.
  kLifetimeFromArrival,
  // Replay: the agent takes a lease that is not newer than the last.
  kOldSequenceTaken,
  // Replay: the agent takes a lease that nobody signed.
  kForgeryTaken,
  // Replay and fail closed: the agent takes a lease of an earlier boot.
  kOtherBootTaken,
  // Fail closed: a gate that began anew keeps the nonce of the one before.
  kNonceKept,
  // Revocation: only the sender is told.
  kRevokeSenderOnly,
  // Revocation: the agent forgets how far leases were revoked.
  kRevokeForgotten,
  // Revocation: a revoked link is granted a lease.
  kRevokedGranted,
};

inline constexpr std::array<std::string_view, 16> kMutationNames = {
    "none",
    "report_not_spent",
    "scope_forgotten",
    "visible_before_durable",
    "unreported_forgiven",
    "open_is_final",
    "renewal_resets",
    "dead_too_soon",
    "lifetime_from_arrival",
    "old_sequence_taken",
    "forgery_taken",
    "other_boot_taken",
    "nonce_kept",
    "revoke_sender_only",
    "revoke_forgotten",
    "revoked_granted",
};

#ifdef SLUICE_MUTATIONS
// Set before anything runs, and not while anything does.
inline Mutation active_mutation = Mutation::kNone;
inline bool Mutated(Mutation mutation) { return mutation == active_mutation; }
#else
constexpr bool Mutated(Mutation) { return false; }
#endif

}  // namespace sluice

#endif  // SLUICE_BASE_MUTATION_H_
