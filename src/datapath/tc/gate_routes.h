// The gate's routes: which prefix belongs to which slot.
#ifndef SLUICE_DATAPATH_TC_GATE_ROUTES_H_
#define SLUICE_DATAPATH_TC_GATE_ROUTES_H_

#include <cstdint>
#include <map>
#include <string>

#include "absl/status/status.h"
#include "bpf/gate_abi.h"
#include "model/prefix.h"

namespace sluice {

sluice_route_key RouteKey(sluice_route_role role, const IpPrefix& prefix);

// A mirror of the kernel's trie, changed by differences. Not thread-safe.
class GateRoutes {
 public:
  // The key as it stands in the map, byte for byte; the value is the slot.
  using Table = std::map<std::string, uint32_t>;

  // Reads what is in the trie behind `fd`, which must outlive this object.
  absl::Status Load(int fd);

  // Makes `wanted` the only entries of the roles in [first, last]. On an error
  // part of the changes is done; the same call again does the rest.
  absl::Status Replace(sluice_route_role first, sluice_route_role last, const Table& wanted);

  const Table& table() const { return table_; }
  // Adds the entry unless the key is there; returns the slot that the key then has.
  static uint32_t Add(Table& table, const sluice_route_key& key, uint32_t slot);
  static sluice_route_role RoleOf(const std::string& key);

 private:
  int fd_ = -1;
  Table table_;
};

}  // namespace sluice

#endif  // SLUICE_DATAPATH_TC_GATE_ROUTES_H_
