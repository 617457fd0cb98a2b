#include "datapath/tc/fabric_counts.h"

#include <bpf/libbpf.h>

#include <utility>
#include <vector>

#include "base/status.h"
#include "bpf/gate_abi.h"
#include "os/bpf/bpf_map.h"

namespace sluice {
namespace {

// One a CPU, as the kernel wants them.
absl::StatusOr<std::vector<sluice_fabric>> ZeroCounts() {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return ErrnoStatus(-cpus, "counting the CPUs");
  return std::vector<sluice_fabric>(static_cast<size_t>(cpus));
}

void AddFrames(const sluice_frames& frames, Traffic& sum) {
  sum.bytes += frames.bytes;
  sum.packets += frames.packets;
}

void AddFlow(const sluice_fabric& counts, sluice_fabric_direction direction, PortFlow& sum) {
  AddFrames(counts.frames[direction][SLUICE_FABRIC_TUNNEL], sum.tunnel);
  AddFrames(counts.frames[direction][SLUICE_FABRIC_CONTROL], sum.control);
  AddFrames(counts.frames[direction][SLUICE_FABRIC_REFUSED], sum.refused);
}

absl::StatusOr<std::vector<uint32_t>> KeysOfCounts(int map_fd) {
  std::vector<uint32_t> keys;
  uint32_t key = 0;
  absl::Status status = bpf_map_internal::NextKey(map_fd, nullptr, &key);
  for (; status.ok(); status = bpf_map_internal::NextKey(map_fd, &keys.back(), &key))
    keys.push_back(key);
  if (absl::IsNotFound(status)) return keys;
  return status;
}

}  // namespace

absl::Status CountPorts(int map_fd, const std::set<uint32_t>& indexes) {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<uint32_t> old, KeysOfCounts(map_fd));
  for (const uint32_t key : old) {
    if (!indexes.contains(key)) SLUICE_RETURN_IF_ERROR(DeleteElement(map_fd, &key));
  }
  SLUICE_ASSIGN_OR_RETURN(const std::vector<sluice_fabric> zero, ZeroCounts());
  size_t room = SLUICE_MAX_FABRIC_PORTS;
  for (const uint32_t key : indexes) {
    if (room-- == 0) break;
    SLUICE_RETURN_IF_ERROR(AddElement(map_fd, &key, zero.data()));
  }
  return absl::OkStatus();
}

absl::StatusOr<PortCounts> ReadPort(int map_fd, uint32_t index) {
  SLUICE_ASSIGN_OR_RETURN(std::vector<sluice_fabric> cpus, ZeroCounts());
  SLUICE_RETURN_IF_ERROR(GetElement(map_fd, &index, cpus.data()));
  PortCounts sum;
  for (const sluice_fabric& counts : cpus) {
    AddFlow(counts, SLUICE_FABRIC_RX, sum.rx);
    AddFlow(counts, SLUICE_FABRIC_TX, sum.tx);
  }
  return sum;
}

}  // namespace sluice
