// The controller's part in link keys: when an epoch begins, its secret, and the carrying of
// the nodes' words. It never has a key.
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "controller/grants/core_impl.h"
#include "controller/policy/ledger.h"
#include "wire/fixed_bytes.h"

namespace sluice {
namespace {

// Both ends ask at about the same time; one epoch is for both.
constexpr absl::Duration kOneEpoch = absl::Milliseconds(300);
constexpr size_t kLongestOffer = 1024;

std::pair<std::string, std::string> PairOf(const std::string& a, const std::string& b) {
  return a < b ? std::pair(a, b) : std::pair(b, a);
}

}  // namespace

std::vector<const CoreImpl::Link*> CoreImpl::LinksOf(const NodePair& pair) const {
  std::vector<const Link*> links;
  for (const LinkName& name :
       {LinkName{pair.first, pair.second}, LinkName{pair.second, pair.first}}) {
    const auto found = links_.find(name);
    if (found != links_.end()) links.push_back(&found->second);
  }
  return links;
}

// Who has no lease has no key.
bool CoreImpl::MayHaveKeys(const NodePair& pair) const {
  if (!Online(pair.first) || !Online(pair.second)) return false;
  for (const Link* link : LinksOf(pair)) {
    const LinkRecord& record = link->record;
    if (MayHold(record) && (Alive(record.send) || Alive(record.receive))) return true;
  }
  return false;
}

Bytes CoreImpl::CarriedBy(const NodePair& pair) const {
  Bytes sum;
  for (const Link* link : LinksOf(pair))
    sum = SaturatingAdd(sum, LifeReported(link->record.account));
  return sum;
}

void CoreImpl::BeginEpoch(const NodePair& pair, Effects& effects) {
  KeyPair& keys = key_pairs_[pair];
  // The ledger's time never goes back, so neither does this when the controller restarts.
  const auto now = static_cast<uint64_t>(Now().ns / 1'000'000);
  keys.epoch = std::max(keys.epoch + 1, now);
  keys.began = clock_.Now();
  keys.switched = {};
  keys.carried = CarriedBy(pair);
  const Secret32 secret = NewSecret();
  for (const auto& [name, other] : {pair, NodePair{pair.second, pair.first}}) {
    Effects::Send& send = effects.sends.emplace_back();
    send.node = name;
    agent::v1::KeyEpoch& epoch = *send.message.mutable_key_epoch();
    epoch.set_peer(other);
    epoch.set_epoch(keys.epoch);
    epoch.set_secret(ToWireBytes(secret.bytes()));
    epoch.set_peer_identity(ToWireBytes(*FindNode(other)->record.identity_key));
  }
}

absl::Status CoreImpl::OnKeyRequest(const Node& node, const agent::v1::KeyRequest& request,
                                    Effects& effects) {
  const NodePair pair = PairOf(node.record.name, request.peer());
  if (!MayHaveKeys(pair)) return absl::OkStatus();
  const auto keys = key_pairs_.find(pair);
  if (keys != key_pairs_.end() && clock_.Now() - keys->second.began < kOneEpoch)
    return absl::OkStatus();
  BeginEpoch(pair, effects);
  return absl::OkStatus();
}

absl::Status CoreImpl::OnKeyOffer(const Node& node, const agent::v1::KeyOffer& offer,
                                  Effects& effects) {
  if (offer.offer().size() > kLongestOffer)
    return absl::InvalidArgumentError("a key offer is too long");
  if (!key_pairs_.contains(PairOf(node.record.name, offer.peer()))) return absl::OkStatus();
  Effects::Send& send = effects.sends.emplace_back();
  send.node = offer.peer();
  agent::v1::KeyOffer& carried = *send.message.mutable_key_offer();
  carried = offer;
  carried.set_peer(node.record.name);
  return absl::OkStatus();
}

absl::Status CoreImpl::OnKeyState(const Node& node, const agent::v1::KeyState& state,
                                  Effects& effects) {
  const NodePair pair = PairOf(node.record.name, state.peer());
  const auto found = key_pairs_.find(pair);
  if (found == key_pairs_.end()) return absl::OkStatus();
  KeyPair& keys = found->second;
  if (state.epoch() == keys.epoch && state.stage() == agent::v1::KEY_STAGE_SWITCHED)
    keys.switched[node.record.name == pair.first ? 0 : 1] = true;
  Effects::Send& send = effects.sends.emplace_back();
  send.node = state.peer();
  agent::v1::KeyState& carried = *send.message.mutable_key_state();
  carried = state;
  carried.set_peer(node.record.name);
  return absl::OkStatus();
}

void CoreImpl::TendKeys(Effects& effects) {
  tended_at_ = clock_.Now();
  for (auto it = key_pairs_.begin(); it != key_pairs_.end();) {
    const auto& [pair, keys] = *it;
    if (!MayHaveKeys(pair)) {
      it = key_pairs_.erase(it);
      continue;
    }
    const bool old = clock_.Now() - keys.began >= config_.key_lifetime;
    const bool used = SaturatingSub(CarriedBy(pair), keys.carried) >= config_.key_volume;
    // One that is not done yet is asked for by who needs it.
    if (keys.done() && (old || used)) BeginEpoch(pair, effects);
    ++it;
  }
}

std::optional<KeyView> CoreImpl::KeysOf(const LinkName& link) const {
  const auto keys = key_pairs_.find(PairOf(link.src, link.dst));
  if (keys == key_pairs_.end()) return std::nullopt;
  return KeyView{keys->second.epoch, clock_.Now() - keys->second.began, keys->second.done()};
}

}  // namespace sluice
