#include "agent/probe/neighbour_table.h"

#include <algorithm>
#include <set>

namespace sluice {
namespace {

// A proof stands for so many unanswered questions, and at least for so long.
constexpr absl::Duration kStandsAtLeast = absl::Seconds(1);
// The nearest is asked for ten times a second.
constexpr absl::Duration kNearestFirst = absl::Milliseconds(300);
constexpr size_t kMostNeighbours = 800;
constexpr size_t kMostOfOneNode = 64;
constexpr size_t kMostAddresses = 16;
constexpr size_t kMostReported = 1000;
constexpr size_t kFewRtts = 3;
// Two boxes that answer in turn are not one that began anew.
constexpr absl::Duration kInTurn = absl::Milliseconds(300);

std::optional<absl::Duration> Least(const std::deque<std::pair<BootTime, absl::Duration>>& rtts) {
  if (rtts.size() < kFewRtts) return std::nullopt;
  return std::ranges::min_element(rtts, {}, [](const auto& rtt) { return rtt.second; })->second;
}

}  // namespace

NeighbourTable::Map::const_iterator NeighbourTable::FirstOf(const std::string& node) const {
  return known_.lower_bound(Key{{node, ""}, false, {}});
}

std::vector<PortName> NeighbourTable::Take(const Proof& proof, BootTime now) {
  const Key key{proof.port, proof.nearest, proof.instance};
  auto it = known_.find(key);
  if (it == known_.end()) {
    if (IsCrowdedBy(proof)) return {};
    it = known_.emplace(key, Known{}).first;
    it->second.first = now;
    it->second.told_from = now + kNearestFirst;
    ++changes_;
  }
  Known& known = it->second;
  known.identity = proof.identity;
  known.address = proof.address;
  known.last = now;
  const absl::Duration stands = std::max(kStandsAtLeast, kMissed * proof.patience);
  known.expires = std::max(known.expires, now + stands);
  known.window = std::max(stands, (kFewRtts + 2) * proof.interval);
  if (proof.rtt) known.rtts.emplace_back(now, *proof.rtt);
  if (proof.rtt && known.rtts.size() == kFewRtts) ++changes_;
  return LookForClones(key, now);
}

// One box alone must not fill what we remember, whatever it says it has for ports; nor all
// together, but for those that we must prove a way to. A box with a node's old identity takes no
// room from the node.
bool NeighbourTable::IsCrowdedBy(const Proof& proof) const {
  if (!proof.wanted && known_.size() >= kMostNeighbours) return true;
  size_t its = 0;
  for (auto it = FirstOf(proof.port.node);
       it != known_.end() && it->first.port.node == proof.port.node; ++it)
    its += it->second.identity == proof.identity ? 1 : 0;
  return its >= kMostOfOneNode;
}

std::vector<PortName> NeighbourTable::LookForClones(const Key& key, BootTime now) {
  std::vector<PortName> clones;
  const Known& one = known_.at(key);
  for (auto it = known_.lower_bound(Key{{key.port.node, ""}, false, {}});
       it != known_.end() && it->first.port.node == key.port.node; ++it) {
    Known& other = it->second;
    if (it->first.instance == key.instance || other.identity != one.identity) continue;
    // An agent that began anew is not in two places for longer than it takes to see that.
    other.expires = std::min(other.expires, now + kStandsAtLeast);
    // Both have proved after the other one began.
    if (other.last - one.first < kInTurn || now - other.first < kInTurn) continue;
    clones.push_back(it->first.port);
  }
  return clones;
}

void NeighbourTable::Forget(absl::Duration stalled, BootTime now) {
  // One that no longer answers as the nearest must prove anew that it answers at all: its other
  // proofs stand for longer, and would tell of a bridge where there is a cut.
  std::set<Key> lost;
  for (auto& [key, known] : known_) {
    known.expires = known.expires + stalled;
    known.told_from = known.told_from + stalled;
    while (!known.rtts.empty() && now - known.rtts.front().first > known.window + stalled)
      known.rtts.pop_front();
    if (key.nearest && now >= known.expires) lost.insert({key.port, false, key.instance});
  }
  changes_ += std::erase_if(known_, [&](const auto& entry) {
    return now >= entry.second.expires || lost.contains(entry.first);
  });
}

void NeighbourTable::Clear() {
  changes_ += known_.size();
  known_.clear();
}

std::vector<Neighbour> NeighbourTable::Told(BootTime now) const {
  std::vector<Neighbour> told;
  for (const auto& [key, known] : known_) {
    if (told.size() == kMostReported) break;
    if (!key.nearest && now < known.told_from &&
        !known_.contains(Key{key.port, true, key.instance}))
      continue;
    told.push_back({key.port, key.nearest, known.identity, key.instance, Least(known.rtts)});
  }
  return told;
}

std::vector<MacAddress> NeighbourTable::AddressesOf(const std::string& node,
                                                    absl::Duration interval, BootTime now) const {
  std::map<MacAddress, BootTime> heard;
  for (auto it = FirstOf(node); it != known_.end() && it->first.port.node == node; ++it) {
    BootTime& last = heard[it->second.address];
    last = std::max(last, it->second.last);
  }
  std::vector<MacAddress> addresses;
  for (const auto& [address, last] : heard) {
    if (now - last >= kMissed * interval) return {};
    addresses.push_back(address);
  }
  if (addresses.size() > kMostAddresses) return {};
  return addresses;
}

bool NeighbourTable::Knows(const std::string& node) const {
  const auto it = FirstOf(node);
  return it != known_.end() && it->first.port.node == node;
}

size_t NeighbourTable::PortsOf(const std::string& node) const {
  size_t ports = 0;
  for (auto it = FirstOf(node); it != known_.end() && it->first.port.node == node; ++it)
    ports += it->first.nearest ? 0 : 1;
  return ports;
}

std::optional<std::pair<PortName, MacAddress>> NeighbourTable::Closest() const {
  const auto nearest =
      std::ranges::find_if(known_, [](const auto& entry) { return entry.first.nearest; });
  const auto it = nearest != known_.end() ? nearest : known_.begin();
  if (it == known_.end()) return std::nullopt;
  return std::pair{it->first.port, it->second.address};
}

}  // namespace sluice
