#include "os/netlink/route_table_fake.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {

void RouteTableFake::AddDevice(const std::string& name, const std::string& kind) {
  devices_[name] = NetDevice{next_index_++, name, kind, 1500, false};
}

absl::StatusOr<NetDevice*> RouteTableFake::Find(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  const auto it = devices_.find(name);
  if (it == devices_.end()) {
    return absl::NotFoundError(StrCat("there is no network device ", name));
  }
  return &it->second;
}

absl::StatusOr<NetDevice> RouteTableFake::Device(const std::string& name) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice * device, Find(name));
  return *device;
}

absl::StatusOr<DeviceTraffic> RouteTableFake::Counters(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(Find(name).status());
  const auto it = counters.find(name);
  return it == counters.end() ? DeviceTraffic{} : it->second;
}

absl::Status RouteTableFake::CreateDevice(const std::string& name, const std::string& kind) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  if (!known_kinds.contains(kind)) {
    return absl::UnimplementedError(StrCat("no such device kind: ", kind));
  }
  const auto it = devices_.find(name);
  if (it == devices_.end()) {
    AddDevice(name, kind);
    return absl::OkStatus();
  }
  if (it->second.kind == kind) return absl::OkStatus();
  return absl::AlreadyExistsError(StrCat(name, " exists and is of kind ", it->second.kind));
}

absl::Status RouteTableFake::DeleteDevice(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  devices_.erase(name);
  addresses_.erase(name);
  for (auto& [table, routes] : tables_) {
    std::erase_if(routes, [&](const Route& r) { return !r.blackhole && r.device == name; });
  }
  return absl::OkStatus();
}

absl::Status RouteTableFake::SetUp(const std::string& name, bool up) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice * device, Find(name));
  device->up = up;
  return absl::OkStatus();
}

absl::Status RouteTableFake::SetMtu(const std::string& name, int mtu) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice * device, Find(name));
  device->mtu = mtu;
  return absl::OkStatus();
}

absl::Status RouteTableFake::AddAddress(const std::string& name, const InterfaceAddress& address) {
  SLUICE_RETURN_IF_ERROR(Find(name).status());
  auto& all = addresses_[name];
  std::erase_if(all, [&](const auto& a) { return a.address == address.address; });
  all.push_back(address);
  return absl::OkStatus();
}

absl::StatusOr<std::vector<InterfaceAddress>> RouteTableFake::Addresses(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(Find(name).status());
  return addresses_[name];
}

absl::StatusOr<IpAddress> RouteTableFake::SourceTo(const IpAddress& destination, uint32_t) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  const auto it = sources.find(destination);
  if (it != sources.end()) return it->second;
  return absl::UnavailableError(StrCat("nothing leads to ", destination.ToString()));
}

absl::Status RouteTableFake::ReplaceTable(uint32_t table, const std::vector<Route>& routes) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  if (table == 0 || (table >= 253 && table <= 255)) {
    return absl::InvalidArgumentError(StrCat("routing table ", table, " is the system's"));
  }
  for (const Route& route : routes) {
    if (!route.blackhole) SLUICE_RETURN_IF_ERROR(Find(route.device).status());
  }
  tables_[table] = routes;
  return absl::OkStatus();
}

absl::Status RouteTableFake::AddInputRule(const std::string& input_device, uint32_t table,
                                          uint32_t priority) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  rules_.insert({input_device, table, priority});
  return absl::OkStatus();
}

absl::Status RouteTableFake::RemoveInputRule(const std::string& input_device, uint32_t table,
                                             uint32_t priority) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  rules_.erase({input_device, table, priority});
  return absl::OkStatus();
}

}  // namespace sluice
