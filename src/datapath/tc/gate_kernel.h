// The gate as it stands in the kernel: its programs, maps and pins.
#ifndef SLUICE_DATAPATH_TC_GATE_KERNEL_H_
#define SLUICE_DATAPATH_TC_GATE_KERNEL_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "bpf/gate_abi.h"
#include "os/bpf/bpf_map.h"
#include "os/bpf/bpf_object.h"

namespace sluice {

// Not thread-safe. The kernel goes on by itself when this object is destroyed,
// as far as its programs are attached and its maps pinned.
class GateKernel {
 public:
  struct Options {
    std::string pin_directory;   // empty: nothing is taken over or pinned
    uint32_t tunnel_header = 0;  // see sluice_constants
  };

  // Loads the programs: with the maps of `previous` if it is not null; with the
  // pinned maps of an earlier process if they are all there and of this layout;
  // else with new ones, closed and at zero.
  static absl::StatusOr<std::unique_ptr<GateKernel>> Load(const Options& options,
                                                          const GateKernel* previous = nullptr);

  // Pins maps and programs where they are not yet. A crash in between leaves a
  // set of pins that Load does not take for whole.
  absl::Status Pin();
  // Whether the pins are those of this object.
  absl::Status VerifyPins() const;
  // Removes the pins of any gate, and the directory if nothing else is in it.
  static absl::Status RemovePins(const std::string& directory);

  bool taken_over() const { return taken_over_; }
  // Why the maps are new or not, in words.
  const std::string& reason() const { return reason_; }

  sluice_config& config() { return config_.At<sluice_config>(0); }
  sluice_slot& slot(uint32_t i) { return slots_.At<sluice_slot>(i); }
  sluice_drops& drops(uint32_t i) { return drops_.At<sluice_drops>(i); }
  sluice_name& name(uint32_t i) { return names_.At<sluice_name>(i); }
  int routes_fd() const { return routes_fd_; }
  int fabric_fd() const { return fabric_fd_; }
  // Call after every change of the routes: what the gate has cached of them is void.
  void NextGeneration();
  absl::StatusOr<int> ProgramFd(const std::string& name) const { return object_->ProgramFd(name); }

 private:
  GateKernel() = default;
  absl::Status TakeOver();
  absl::Status LoadObject(const GateKernel* previous);
  absl::Status MapArrays();

  Options options_;
  bool taken_over_ = false;
  std::string reason_;
  std::vector<BpfFd> pinned_;  // in the order of the maps; empty: none taken over
  std::unique_ptr<BpfObject> object_;
  BpfArray config_;
  BpfArray slots_;
  BpfArray drops_;
  BpfArray names_;
  BpfArray cache4_;
  int routes_fd_ = -1;
  int fabric_fd_ = -1;
};

// The programs of gate.bpf.c.
inline constexpr const char* kGatePrograms[] = {"tunnel_egress", "fabric_ingress", "fabric_egress",
                                                "acc_egress", "acc_ingress"};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_GATE_KERNEL_H_
