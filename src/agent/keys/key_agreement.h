// The keys of the link tunnel with each peer, from the controller's word that an epoch
// begins to the removal of the epoch before. docs/protocol.md, "Link keys".
#ifndef SLUICE_AGENT_KEYS_KEY_AGREEMENT_H_
#define SLUICE_AGENT_KEYS_KEY_AGREEMENT_H_

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "base/secret.h"
#include "model/link_epoch.h"
#include "proto/agent.pb.h"
#include "wire/link_keys.h"

namespace sluice {

// An epoch is agreed on, installed for receiving, and sent under once the peer says that it
// has installed it too; the ones before go when both ends send under it. So no packet ever
// comes under a key that is not there yet, or not there any more.
//
// No clock, socket or thread of its own. Not thread-safe. Keys are wiped when they go.
class KeyAgreement {
 public:
  using Random = std::function<void(std::span<uint8_t>)>;
  using Outbox = std::vector<agent::v1::AgentMessage>;

  // `identity` is the node's Ed25519 seed.
  KeyAgreement(std::string fleet, std::string node, const Secret32& identity, Random random);

  // Names our tunnel. Under another name all keys are worthless: they are forgotten.
  void SetTunnelKey(const PublicKey& key);

  // What the controller says. An error tells what does not fit; then nothing changed.
  absl::Status OnEpoch(const agent::v1::KeyEpoch& epoch, BootTime now, Outbox& out);
  absl::Status OnOffer(const agent::v1::KeyOffer& words);
  absl::Status OnState(const agent::v1::KeyState& state, BootTime now);

  // These peers, and no others, have keys: what was needed and is not any more is wiped.
  void Need(const std::set<std::string>& nodes, BootTime now);
  // What the tunnel should have now.
  const PeerKeyMap& wanted() const { return wanted_; }
  // The tunnel has what wanted() says of the peer.
  void Installed(const std::string& node, Outbox& out);

  // Asks for keys that are needed and not there, and retires old ones. True if wanted()
  // changed. Call at the latest at NextAt().
  bool Tick(BootTime now, Outbox& out);
  std::optional<BootTime> NextAt() const;
  // The tunnel has lost keys of the peer, which cannot come back: new ones are needed.
  void Lost(const std::string& node);
  // What was said in an earlier session may be lost.
  void Reconnected();
  void Clear();

 private:
  // Our half of an epoch, until the other comes.
  struct Pending {
    Secret32 ephemeral;
    Secret32 secret;
    KeyOffer offer;
  };
  struct Stages {
    bool installed = false;
    bool switched = false;
  };
  struct Epoch {
    LinkKeys keys;
    PublicKey tunnel_key{};
    Stages ours;
    Stages theirs;
  };
  struct Peer {
    PublicKey identity{};
    std::optional<Pending> pending;
    std::vector<Epoch> epochs;  // the oldest first
    uint64_t send_epoch = 0;
    uint64_t newest = 0;  // that the controller began
    bool needed = false;
    BootTime changed;                   // when it last came nearer to its end
    std::optional<BootTime> asked;      // in this session
    std::optional<BootTime> retire_at;  // those before FirstToKeep
  };

  static std::vector<Epoch>::iterator FirstToKeep(Peer& peer);
  bool Incomplete(const Peer& peer) const;
  std::optional<BootTime> AskAt(const Peer& peer) const;
  void Advance(Peer& peer, BootTime now);
  void Publish(const std::string& node);
  void Say(const std::string& node, Epoch& epoch, agent::v1::KeyStage stage, Outbox& out) const;

  const std::string fleet_;
  const std::string node_;
  const Ed25519Signer identity_;
  const Random random_;
  std::optional<PublicKey> tunnel_key_;
  std::map<std::string, Peer> peers_;
  PeerKeyMap wanted_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_KEYS_KEY_AGREEMENT_H_
