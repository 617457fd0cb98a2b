// The agent's look at what it stands on: has somebody changed it under its hands?
#ifndef SLUICE_AGENT_TAMPER_INTEGRITY_CHECK_H_
#define SLUICE_AGENT_TAMPER_INTEGRITY_CHECK_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/tamper/clock_check.h"
#include "base/secret.h"
#include "model/tamper.h"
#include "os/files/files_interface.h"
#include "os/netlink/route_interface.h"
#include "tunnel/tunnel_interface.h"

namespace sluice {

// Not thread-safe. The parts outlive it.
class IntegrityCheck {
 public:
  struct Parts {
    Tunnel& tunnel;
    RouteTable& routes;
    Files& files;
    std::function<ClockReading()> clocks;  // none: not checked
  };
  // `boot_file` is what StartDatapath wrote: another agent would write it anew.
  IntegrityCheck(Parts parts, std::string boot_file);

  // What is now is right: the tunnel's device and key.
  void Settle();
  // `gate` is what the datapath's own Verify says.
  std::vector<TamperEvent> Look(const absl::Status& gate, BootTime now);

 private:
  struct Device {
    std::optional<int> index;
    std::optional<PublicKey> key;
    friend bool operator==(const Device&, const Device&) = default;
  };
  Device LookAtDevice();
  std::string LookAtBootFile();

  const Parts parts_;
  const std::string boot_file_;
  Device device_;
  std::string boot_;
  ClockCheck clock_;
};

}  // namespace sluice

#endif  // SLUICE_AGENT_TAMPER_INTEGRITY_CHECK_H_
