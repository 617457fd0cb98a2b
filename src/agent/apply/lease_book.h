// What must survive an agent's restart, but not the node's reboot: the last
// lease of every side, and how far leases were revoked.
#ifndef SLUICE_AGENT_APPLY_LEASE_BOOK_H_
#define SLUICE_AGENT_APPLY_LEASE_BOOK_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "base/secret.h"
#include "model/lease.h"
#include "model/names.h"
#include "os/files/files_interface.h"
#include "proto/agent.pb.h"

namespace sluice {

// One directory on tmpfs, one small file a side. A sequence that was once
// accepted or revoked is never accepted again, whatever crashes: it is written
// before anything is opened. Not thread-safe.
class LeaseBook {
 public:
  LeaseBook(Files& files, std::string directory);

  // Reads the directory. DataLoss if a file there is not what this class
  // wrote, or a lease in it is not signed by `lease_key`, or belongs to
  // another boot: then nothing of it can be relied on.
  absl::Status Load(const PublicKey& lease_key, const BootNonce& boot_nonce);
  // Forgets all, for a new boot nonce.
  absl::Status Clear();

  // The highest sequence ever accepted or revoked for the side.
  uint64_t NewestSequence(const LinkSide& side) const;
  uint64_t RevokedSequence(const LinkSide& side) const;
  // The last lease that was accepted, even if it is over or revoked.
  std::optional<Lease> LastLease(const LinkSide& side) const;

  absl::Status Accept(const Lease& lease, const agent::v1::SignedLease& signed_lease);
  // Leases of the side up to and including `sequence` are void.
  absl::Status Revoke(const LinkSide& side, uint64_t sequence);

 private:
  struct Entry {
    std::optional<Lease> lease;
    uint64_t revoked = 0;
    uint64_t revoked_stored = 0;  // less where the last write failed
  };
  absl::Status LoadFile(const std::string& name, const PublicKey& lease_key,
                        const BootNonce& boot_nonce);
  std::string Path(const LinkSide& side, std::string_view suffix) const;

  Files& files_;
  const std::string directory_;
  std::map<LinkSide, Entry> entries_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_LEASE_BOOK_H_
