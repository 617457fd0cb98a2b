// Asks on every fabric port who is there, answers those who ask, and keeps what was proved.
// docs/topology.md has the protocol and what it does not see.
#ifndef SLUICE_AGENT_PROBE_PROBER_H_
#define SLUICE_AGENT_PROBE_PROBER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "agent/probe/port_prober.h"
#include "base/clock.h"
#include "base/crypto.h"
#include "model/wiring.h"
#include "os/packet/packet_interface.h"

namespace sluice {

// Not thread-safe: one thread owns it. It waits for nothing.
class Prober {
 public:
  struct Config {
    std::string fleet;
    std::string node;
    Secret32 identity;      // Ed25519 seed
    PublicKey lease_key{};  // that signs credentials
    std::vector<std::string> ports;
    ProbeRandom random;
  };
  // `clock` and `packets` outlive it.
  Prober(const Config& config, const Clock& clock, PacketPorts& packets);

  // What the controller said last. Without a credential nobody is answered.
  void SetTerms(ProbeTerms terms);
  // As PortProber::Measure; nothing for a port that is none.
  void Measure(const std::string& port, BitRate speed);
  // Takes in what has arrived, asks what is due. What to report, if anything.
  std::optional<NodeWiring> Run();
  // What Run returned got lost: it comes again.
  void Repeat() { whole_at_ = look_at_ = {}; }
  // How often it has compared all there is with what it reported.
  uint64_t looks() const { return looks_; }
  // Run is due when one of these is readable, …
  std::vector<int> Descriptors() const;
  // … and then.
  BootTime NextWake() const;

 private:
  NodeWiring Report(BootTime now);

  const Clock& clock_;
  ProbeShared shared_;
  std::vector<std::unique_ptr<PortProber>> ports_;
  std::map<std::string, PortWiring> reported_;
  BootTime ran_at_;
  BootTime whole_at_;   // when the whole is reported again
  BootTime report_at_;  // when changes may be reported again
  BootTime look_at_;    // when they are looked for though no port says that there are any
  bool changed_ = false;
  uint64_t looks_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_PROBE_PROBER_H_
