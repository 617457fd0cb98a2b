// Who has proved to be at one port, and for how long that stands.
#ifndef SLUICE_AGENT_PROBE_NEIGHBOUR_TABLE_H_
#define SLUICE_AGENT_PROBE_NEIGHBOUR_TABLE_H_

#include <compare>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "model/wiring.h"
#include "os/packet/packet_interface.h"

namespace sluice {

class NeighbourTable {
 public:
  // A neighbour that is silent for so many intervals is one that does not answer.
  static constexpr int kMissed = 3;

  struct Proof {
    PortName port;
    bool nearest = false;
    ProbeInstance instance{};
    PublicKey identity{};
    MacAddress address{};
    std::optional<absl::Duration> rtt;
    bool wanted = false;      // one that we must prove a way to
    absl::Duration interval;  // after which the same question is asked again
    absl::Duration patience;  // after which it is asked again by whatever question
  };

  // Ports of the same node and identity that another run of the agent proves, though that one
  // has begun before and goes on: that is two boxes.
  std::vector<PortName> Take(const Proof& proof, BootTime now);
  // Drops what was not proved for too long. For `stalled` nobody asked anybody.
  void Forget(absl::Duration stalled, BootTime now);
  void Clear();

  // What may be told. What answers, but not yet as the nearest, is held back until the nearest
  // was asked for several times: the questions have phases of their own, and a cable with a
  // neighbour that comes back must not seem to have something in it.
  std::vector<Neighbour> Told(BootTime now) const;
  // Where a node that is asked every `interval` is: each distinct address of the ports that it
  // proved. Empty where only asking all is sure to reach it: nobody knows, there are too many, or
  // one that was known has become silent.
  std::vector<MacAddress> AddressesOf(const std::string& node, absl::Duration interval,
                                      BootTime now) const;
  bool Knows(const std::string& node) const;
  // How many ports of the node answer.
  size_t PortsOf(const std::string& node) const;
  // Somebody who is there, the nearest if there is one.
  std::optional<std::pair<PortName, MacAddress>> Closest() const;
  size_t size() const { return known_.size(); }
  // Counts what came and went.
  uint64_t changes() const { return changes_; }

 private:
  struct Key {
    PortName port;
    bool nearest = false;
    ProbeInstance instance{};
    friend auto operator<=>(const Key&, const Key&) = default;
  };
  struct Known {
    PublicKey identity{};
    MacAddress address{};
    BootTime first;
    BootTime told_from;  // if it has not proved to be the nearest
    BootTime last;
    BootTime expires;
    absl::Duration window;
    std::deque<std::pair<BootTime, absl::Duration>> rtts;
  };
  using Map = std::map<Key, Known>;

  Map::const_iterator FirstOf(const std::string& node) const;
  bool IsCrowdedBy(const Proof& proof) const;
  std::vector<PortName> LookForClones(const Key& key, BootTime now);

  Map known_;
  uint64_t changes_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_NEIGHBOUR_TABLE_H_
