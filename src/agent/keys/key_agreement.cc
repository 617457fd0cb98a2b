#include "agent/keys/key_agreement.h"

#include <algorithm>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "model/names.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

// An epoch that has not come to its end after this is asked for anew.
constexpr absl::Duration kPatience = absl::Seconds(1);
// Packets that left under the old epoch may still be on their way.
constexpr absl::Duration kDrain = absl::Seconds(1);
// More than two stand beside each other only when messages are lost, again and again: who
// has not heard that the peer switched cannot know under which of them it sends.
constexpr size_t kMostEpochs = 16;
// RFC 4303 §2.1 reserves 1 to 255.
constexpr uint32_t kFirstSpi = 256;

}  // namespace

KeyAgreement::KeyAgreement(std::string fleet, std::string node, const Secret32& identity,
                           Random random)
    : fleet_(std::move(fleet)),
      node_(std::move(node)),
      identity_(identity),
      random_(std::move(random)) {}

void KeyAgreement::SetTunnelKey(const PublicKey& key) {
  if (tunnel_key_ == key) return;
  if (tunnel_key_) Clear();
  tunnel_key_ = key;
}

void KeyAgreement::Clear() {
  peers_.clear();
  wanted_.clear();
}

absl::Status KeyAgreement::OnEpoch(const agent::v1::KeyEpoch& epoch, BootTime now, Outbox& out) {
  SLUICE_ASSIGN_OR_RETURN(const PublicKey identity,
                          FromWireBytes<32>("the peer's identity", epoch.peer_identity()));
  SLUICE_ASSIGN_OR_RETURN(const auto secret, FromWireBytes<32>("the secret", epoch.secret()));
  SLUICE_RETURN_IF_ERROR(CheckName("the peer", epoch.peer()));
  if (!tunnel_key_) return absl::FailedPreconditionError("the link tunnel has no key");
  Peer& peer = peers_[epoch.peer()];
  if (epoch.epoch() <= peer.newest)
    return absl::InvalidArgumentError(
        StrCat("epoch ", epoch.epoch(), " does not follow epoch ", peer.newest));
  peer.newest = epoch.epoch();
  peer.identity = identity;
  peer.changed = now;
  Pending& pending = peer.pending.emplace();
  random_(pending.ephemeral.mutable_bytes());
  pending.secret = Secret32(secret);
  std::array<uint8_t, 4> random{};
  random_(random);
  const uint32_t spi =
      static_cast<uint32_t>(random[0]) << 24 | random[1] << 16 | random[2] << 8 | random[3];
  pending.offer = {fleet_,
                   node_,
                   epoch.peer(),
                   epoch.epoch(),
                   X25519PublicKey(pending.ephemeral),
                   *tunnel_key_,
                   std::max(spi, kFirstSpi)};
  *out.emplace_back().mutable_key_offer() = SignKeyOffer(identity_, pending.offer);
  return absl::OkStatus();
}

absl::Status KeyAgreement::OnOffer(const agent::v1::KeyOffer& words) {
  const auto found = peers_.find(words.peer());
  if (found == peers_.end() || !found->second.pending)
    return absl::FailedPreconditionError("a key offer that nothing was asked of");
  Peer& peer = found->second;
  SLUICE_ASSIGN_OR_RETURN(const KeyOffer theirs, VerifyKeyOffer(peer.identity, words));
  const Pending& pending = *peer.pending;
  if (theirs.fleet != fleet_ || theirs.from != found->first || theirs.to != node_ ||
      theirs.epoch != pending.offer.epoch)
    return absl::InvalidArgumentError("a key offer for another node or epoch");
  SLUICE_ASSIGN_OR_RETURN(LinkKeys keys,
                          MakeLinkKeys({pending.ephemeral, pending.secret, pending.offer, theirs,
                                        identity_.public_key(), peer.identity}));
  peer.pending.reset();
  // What was agreed on with a tunnel that is no more is of no use.
  std::erase_if(peer.epochs, [&](const Epoch& e) { return e.tunnel_key != theirs.tunnel_key; });
  if (peer.epochs.size() == kMostEpochs) peer.epochs.erase(peer.epochs.begin());
  peer.epochs.push_back({std::move(keys), theirs.tunnel_key, {}, {}});
  Publish(found->first);
  return absl::OkStatus();
}

absl::Status KeyAgreement::OnState(const agent::v1::KeyState& state, BootTime now) {
  const auto found = peers_.find(state.peer());
  if (found == peers_.end())
    return absl::FailedPreconditionError("the state of a key that is not known");
  Peer& peer = found->second;
  const auto epoch = std::ranges::find_if(
      peer.epochs, [&](const Epoch& e) { return e.keys.epoch.number == state.epoch(); });
  if (epoch == peer.epochs.end())
    return absl::FailedPreconditionError("the state of a key that is not known");
  SLUICE_ASSIGN_OR_RETURN(const auto code, FromWireBytes<32>("the code", state.code()));
  if (!SameBytes(code,
                 KeyStateCode(epoch->keys.confirm, found->first, state.epoch(), state.stage())))
    return absl::PermissionDeniedError("the peer has other keys, or these are not its words");
  epoch->theirs.installed = true;
  epoch->theirs.switched |= state.stage() == agent::v1::KEY_STAGE_SWITCHED;
  Advance(peer, now);
  Publish(found->first);
  return absl::OkStatus();
}

void KeyAgreement::Advance(Peer& peer, BootTime now) {
  if (peer.epochs.empty()) return;
  peer.changed = now;
  for (const Epoch& epoch : peer.epochs) {
    if (epoch.ours.installed && epoch.theirs.installed)
      peer.send_epoch = std::max(peer.send_epoch, epoch.keys.epoch.number);
  }
  if (FirstToKeep(peer) != peer.epochs.begin() && !peer.retire_at) peer.retire_at = now + kDrain;
}

// The newest that both ends send under: nothing comes under the ones before it.
std::vector<KeyAgreement::Epoch>::iterator KeyAgreement::FirstToKeep(Peer& peer) {
  const auto newest = std::find_if(peer.epochs.rbegin(), peer.epochs.rend(), [](const Epoch& e) {
    return e.ours.switched && e.theirs.switched;
  });
  return newest == peer.epochs.rend() ? peer.epochs.begin() : newest.base() - 1;
}

void KeyAgreement::Publish(const std::string& node) {
  const Peer& peer = peers_.at(node);
  if (peer.epochs.empty()) {
    wanted_.erase(node);
    return;
  }
  PeerKeys& keys = wanted_[node];
  keys.tunnel_key = peer.epochs.back().tunnel_key;
  keys.epochs.clear();
  for (const Epoch& epoch : peer.epochs) keys.epochs.push_back(epoch.keys.epoch);
  const bool there = std::ranges::any_of(
      peer.epochs, [&](const Epoch& e) { return e.keys.epoch.number == peer.send_epoch; });
  keys.send_epoch = there ? peer.send_epoch : 0;
}

void KeyAgreement::Say(const std::string& node, Epoch& epoch, agent::v1::KeyStage stage,
                       Outbox& out) const {
  agent::v1::KeyState& state = *out.emplace_back().mutable_key_state();
  state.set_peer(node);
  state.set_epoch(epoch.keys.epoch.number);
  state.set_stage(stage);
  state.set_code(
      ToWireBytes(KeyStateCode(epoch.keys.confirm, node_, epoch.keys.epoch.number, stage)));
}

void KeyAgreement::Installed(const std::string& node, Outbox& out) {
  const auto found = peers_.find(node);
  if (found == peers_.end()) return;
  Peer& peer = found->second;
  for (Epoch& epoch : peer.epochs) {
    if (!std::exchange(epoch.ours.installed, true))
      Say(node, epoch, agent::v1::KEY_STAGE_INSTALLED, out);
    if (epoch.keys.epoch.number == wanted_[node].send_epoch &&
        !std::exchange(epoch.ours.switched, true))
      Say(node, epoch, agent::v1::KEY_STAGE_SWITCHED, out);
  }
  Advance(peer, peer.changed);
  Publish(node);
}

void KeyAgreement::Need(const std::set<std::string>& nodes, BootTime now) {
  for (auto it = peers_.begin(); it != peers_.end();) {
    Peer& peer = it->second;
    const bool needed = nodes.contains(it->first);
    // The keys may be here a little before the lease.
    const bool early = !peer.needed && now < peer.changed + kPatience;
    if (needed || early) {
      peer.needed = needed;
      ++it;
      continue;
    }
    wanted_.erase(it->first);
    it = peers_.erase(it);
  }
  for (const std::string& node : nodes) peers_[node].needed = true;
}

bool KeyAgreement::Incomplete(const Peer& peer) const {
  if (peer.epochs.empty() || peer.pending) return true;
  const Epoch& last = peer.epochs.back();
  return !last.ours.switched || !last.theirs.switched;
}

std::optional<BootTime> KeyAgreement::AskAt(const Peer& peer) const {
  if (!peer.needed || !tunnel_key_ || !Incomplete(peer)) return std::nullopt;
  BootTime at;
  if (peer.pending || !peer.epochs.empty()) at = peer.changed + kPatience;
  if (peer.asked) at = std::max(at, *peer.asked + kPatience);
  return at;
}

bool KeyAgreement::Tick(BootTime now, Outbox& out) {
  bool changed = false;
  for (auto& [node, peer] : peers_) {
    if (peer.retire_at && now >= *peer.retire_at) {
      peer.retire_at.reset();
      peer.epochs.erase(peer.epochs.begin(), FirstToKeep(peer));
      Publish(node);
      changed = true;
    }
    const auto at = AskAt(peer);
    if (!at || now < *at) continue;
    peer.asked = now;
    out.emplace_back().mutable_key_request()->set_peer(node);
  }
  return changed;
}

std::optional<BootTime> KeyAgreement::NextAt() const {
  std::optional<BootTime> next;
  const auto take = [&next](const std::optional<BootTime>& at) {
    if (at) next = next ? std::min(*next, *at) : *at;
  };
  for (const auto& [node, peer] : peers_) {
    take(peer.retire_at);
    take(AskAt(peer));
  }
  return next;
}

void KeyAgreement::Lost(const std::string& node) {
  const auto found = peers_.find(node);
  if (found == peers_.end() || found->second.epochs.empty()) return;
  found->second.epochs.clear();
  found->second.send_epoch = 0;
  found->second.changed = BootTime{};
  Publish(node);
}

void KeyAgreement::Reconnected() {
  for (auto& [node, peer] : peers_) {
    peer.pending.reset();
    peer.asked.reset();
    // Not patience but a fresh start: what was on its way will not come any more.
    if (Incomplete(peer)) peer.changed = BootTime{};
  }
}

}  // namespace sluice
