#include "datapath/tc/gate_routes.h"

#include <cstddef>
#include <cstring>
#include <vector>

#include "base/status.h"
#include "os/bpf/bpf_map.h"

namespace sluice {
namespace {

constexpr uint32_t kBitsBeforeAddress = 32;  // role, family and padding

}  // namespace

sluice_route_key RouteKey(sluice_route_role role, const IpPrefix& prefix) {
  sluice_route_key key{};
  key.prefixlen = kBitsBeforeAddress + prefix.length;
  key.role = static_cast<__u8>(role);
  key.v6 = prefix.address.v6 ? 1 : 0;
  std::memcpy(key.address, prefix.address.bytes.data(), prefix.address.v6 ? 16 : 4);
  return key;
}

uint32_t GateRoutes::Add(Table& table, const sluice_route_key& key, uint32_t slot) {
  return table.emplace(std::string(reinterpret_cast<const char*>(&key), sizeof(key)), slot)
      .first->second;
}

sluice_route_role GateRoutes::RoleOf(const std::string& key) {
  return static_cast<sluice_route_role>(key[offsetof(sluice_route_key, role)]);
}

absl::Status GateRoutes::Load(int fd) {
  fd_ = fd;
  table_.clear();
  SLUICE_ASSIGN_OR_RETURN(const auto elements, (AllElements<sluice_route_key, uint32_t>(fd)));
  for (const auto& [key, slot] : elements) Add(table_, key, slot);
  return absl::OkStatus();
}

absl::Status GateRoutes::Replace(sluice_route_role first, sluice_route_role last,
                                 const Table& wanted) {
  std::vector<std::string> gone;
  for (const auto& [key, slot] : table_) {
    const sluice_route_role role = RoleOf(key);
    if (role >= first && role <= last && !wanted.contains(key)) gone.push_back(key);
  }
  for (const std::string& key : gone) {
    SLUICE_RETURN_IF_ERROR(DeleteElement(fd_, key.data()));
    table_.erase(key);
  }
  for (const auto& [key, slot] : wanted) {
    const auto there = table_.find(key);
    if (there != table_.end() && there->second == slot) continue;
    SLUICE_RETURN_IF_ERROR(PutElement(fd_, key.data(), &slot));
    table_[key] = slot;
  }
  return absl::OkStatus();
}

}  // namespace sluice
