// Which boot this is: whether the gate's counters are those that the
// controller knows under a nonce.
#ifndef SLUICE_AGENT_APPLY_BOOT_H_
#define SLUICE_AGENT_APPLY_BOOT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "agent/apply/renewals.h"
#include "datapath/datapath_interface.h"
#include "model/lease.h"
#include "os/files/files_interface.h"

namespace sluice {

struct Booted {
  BootNonce nonce{};
  bool adopted = false;  // gate, counters and nonce are those of an earlier run
  std::vector<Choice> choices;
};

// Starts the datapath and finds its boot nonce. The nonce of an earlier run is
// kept only if the machine has not rebooted, the gate kept its counters, and
// the earlier start came to its end. In every other case the gate is built
// anew with counters at 0, all is denied, the run directory is emptied, and
// the nonce is new.
absl::StatusOr<Booted> StartDatapath(Files& files, const std::string& run_directory,
                                     Datapath& datapath, const DatapathConfig& config,
                                     const Renewals::Random& random);

// The same, but never keeps anything.
absl::StatusOr<Booted> StartNewBoot(Files& files, const std::string& run_directory,
                                    Datapath& datapath, const DatapathConfig& config,
                                    const Renewals::Random& random);

// Which file says that the node was tampered with, in the run and the state directory.
inline constexpr char kTamperMark[] = "tampered";

// Removes every file that the agent keeps in its run directory, but for its lock and a
// tamper mark.
absl::Status EmptyRunDirectory(Files& files, const std::string& run_directory);

}  // namespace sluice

#endif  // SLUICE_AGENT_APPLY_BOOT_H_
