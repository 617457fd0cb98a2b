// The node's long-term keys and what enrolment told it.
#ifndef SLUICE_AGENT_APPLY_IDENTITY_STORE_H_
#define SLUICE_AGENT_APPLY_IDENTITY_STORE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/secret.h"
#include "model/prefix.h"
#include "os/files/files_interface.h"

namespace sluice {

// Made by the node itself; they never leave it.
struct NodeKeys {
  Secret32 identity;  // Ed25519 seed
  Secret32 control;   // WireGuard private key of the control tunnel
};

struct Enrolment {
  std::string fleet;
  std::string node;
  std::string enclosure;
  IpAddress control_address;   // ours, inside the control tunnel
  PublicKey lease_key{};       // Ed25519; signs this fleet's leases
  PublicKey controller_key{};  // WireGuard, of the control tunnel
  std::string endpoint;        // UDP "HOST:PORT" of the control tunnel
  Endpoint controller;         // gRPC, inside the control tunnel
};

// A directory of 0600 files. Not thread-safe.
class IdentityStore {
 public:
  IdentityStore(Files& files, std::string directory);

  // The keys; makes them and makes them durable if there are none, so that an
  // enrolment that was cut short is repeated with the same ones.
  absl::StatusOr<NodeKeys> KeysOrNew();
  // NotFound, with words that say what to do, if the node is not enrolled.
  absl::StatusOr<NodeKeys> Keys();
  absl::StatusOr<Enrolment> Load();
  absl::Status Save(const Enrolment& enrolment);
  // Forgets enrolment and keys.
  absl::Status Erase();

 private:
  absl::StatusOr<Secret32> ReadKey(const std::string& name);
  absl::StatusOr<Secret32> KeyOrNew(const std::string& name);
  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  Files& files_;
  const std::string directory_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_IDENTITY_STORE_H_
