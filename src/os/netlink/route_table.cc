#include "os/netlink/route_table.h"

#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <map>
#include <utility>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr uint32_t kIpv6DefaultMetric = 1024;  // what the kernel gives IPv6 routes without one

size_t AddressSize(bool v6) { return v6 ? 16 : 4; }
uint8_t Family(bool v6) { return v6 ? AF_INET6 : AF_INET; }

IpAddress AddressFrom(uint8_t family, const nlattr* attribute) {
  IpAddress address;
  address.v6 = family == AF_INET6;
  std::memcpy(address.bytes.data(), mnl_attr_get_payload(attribute),
              std::min<size_t>(AddressSize(address.v6), mnl_attr_get_payload_len(attribute)));
  return address;
}

absl::Status CheckName(const std::string& name) {
  if (!name.empty() && name.size() < IFNAMSIZ) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("network device name \"", name, "\" must have 1 to ", IFNAMSIZ - 1, " characters"));
}

NetDevice ParseDevice(const nlmsghdr* message) {
  const auto* info = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
  NetDevice device;
  device.index = info->ifi_index;
  device.up = (info->ifi_flags & IFF_UP) != 0;
  ForEachAttribute(message, sizeof(ifinfomsg), [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case IFLA_IFNAME:
        device.name = AttributeText(a);
        break;
      case IFLA_MTU:
        device.mtu = AttributeAs<int>(a);
        break;
      case IFLA_LINKINFO:
        ForEachAttribute(a, [&](const nlattr* b) {
          if (mnl_attr_get_type(b) == IFLA_INFO_KIND) device.kind = AttributeText(b);
        });
        break;
      default:
        break;
    }
  });
  return device;
}

// None if the kernel did not say.
std::optional<DeviceTraffic> ParseCounters(const nlmsghdr* message) {
  std::optional<DeviceTraffic> traffic;
  ForEachAttribute(message, sizeof(ifinfomsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) != IFLA_STATS64) return;
    // Newer kernels say more than these headers know, and attributes are aligned to 4 bytes.
    rtnl_link_stats64 stats{};
    std::memcpy(&stats, mnl_attr_get_payload(a),
                std::min<size_t>(sizeof(stats), mnl_attr_get_payload_len(a)));
    traffic = {{stats.rx_bytes, stats.rx_packets}, {stats.tx_bytes, stats.tx_packets}};
  });
  return traffic;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RtnetlinkRouteTable>> RtnetlinkRouteTable::Open() {
  SLUICE_ASSIGN_OR_RETURN(auto socket, NetlinkSocket::Open(NETLINK_ROUTE));
  return std::unique_ptr<RtnetlinkRouteTable>(new RtnetlinkRouteTable(std::move(socket)));
}

absl::Status RtnetlinkRouteTable::AskForDevice(const std::string& name,
                                               const std::function<void(const nlmsghdr*)>& reply) {
  SLUICE_RETURN_IF_ERROR(CheckName(name));
  NetlinkMessage message(RTM_GETLINK, 0);
  message.Extra<ifinfomsg>();
  message.PutString(IFLA_IFNAME, name);
  absl::Status status = socket_->Query(message, StrCat("looking up network device ", name), reply);
  if (!absl::IsNotFound(status)) return status;
  return absl::NotFoundError(StrCat("there is no network device ", name));
}

absl::StatusOr<NetDevice> RtnetlinkRouteTable::Device(const std::string& name) {
  NetDevice device;
  SLUICE_RETURN_IF_ERROR(
      AskForDevice(name, [&](const nlmsghdr* reply) { device = ParseDevice(reply); }));
  return device;
}

absl::StatusOr<DeviceTraffic> RtnetlinkRouteTable::Counters(const std::string& name) {
  std::optional<DeviceTraffic> traffic;
  SLUICE_RETURN_IF_ERROR(
      AskForDevice(name, [&](const nlmsghdr* reply) { traffic = ParseCounters(reply); }));
  if (traffic) return *traffic;
  return absl::UnimplementedError(StrCat("network device ", name, " has no counters"));
}

absl::Status RtnetlinkRouteTable::CreateDevice(const std::string& name, const std::string& kind) {
  SLUICE_RETURN_IF_ERROR(CheckName(name));
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.Extra<ifinfomsg>();
  message.PutString(IFLA_IFNAME, name);
  nlattr* info = message.BeginNest(IFLA_LINKINFO);
  message.PutString(IFLA_INFO_KIND, kind);
  message.EndNest(info);
  absl::Status status = socket_->Transact(message, StrCat("creating ", kind, " device ", name));
  if (!absl::IsAlreadyExists(status)) return status;
  SLUICE_ASSIGN_OR_RETURN(NetDevice existing, Device(name));
  if (existing.kind == kind) return absl::OkStatus();
  return absl::AlreadyExistsError(StrCat("network device ", name, " exists and is of kind \"",
                                         existing.kind, "\", not \"", kind, "\""));
}

absl::Status RtnetlinkRouteTable::DeleteDevice(const std::string& name) {
  absl::StatusOr<NetDevice> device = Device(name);
  if (absl::IsNotFound(device.status())) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(device.status());
  NetlinkMessage message(RTM_DELLINK, 0);
  message.Extra<ifinfomsg>()->ifi_index = device->index;
  absl::Status status = socket_->Transact(message, StrCat("deleting network device ", name));
  // It went by itself in between.
  if (!status.ok() && absl::IsNotFound(Device(name).status())) return absl::OkStatus();
  return status;
}

absl::Status RtnetlinkRouteTable::SetUp(const std::string& name, bool up) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, Device(name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  auto* info = message.Extra<ifinfomsg>();
  info->ifi_index = device.index;
  info->ifi_change = IFF_UP;
  info->ifi_flags = up ? IFF_UP : 0;
  return socket_->Transact(message, StrCat("setting network device ", name, up ? " up" : " down"));
}

absl::Status RtnetlinkRouteTable::SetMtu(const std::string& name, int mtu) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, Device(name));
  NetlinkMessage message(RTM_NEWLINK, 0);
  message.Extra<ifinfomsg>()->ifi_index = device.index;
  message.PutU32(IFLA_MTU, static_cast<uint32_t>(mtu));
  return socket_->Transact(message, StrCat("setting the MTU of ", name, " to ", mtu));
}

absl::Status RtnetlinkRouteTable::AddAddress(const std::string& name,
                                             const InterfaceAddress& address) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, Device(name));
  const bool v6 = address.address.v6;
  NetlinkMessage message(RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE);
  auto* info = message.Extra<ifaddrmsg>();
  info->ifa_family = Family(v6);
  info->ifa_prefixlen = address.prefix_length;
  info->ifa_index = static_cast<uint32_t>(device.index);
  info->ifa_scope = RT_SCOPE_UNIVERSE;
  message.PutBytes(IFA_LOCAL, address.address.bytes.data(), AddressSize(v6));
  message.PutBytes(IFA_ADDRESS, address.address.bytes.data(), AddressSize(v6));
  // Duplicate address detection would hold the address back for a second.
  if (v6) message.PutU32(IFA_FLAGS, IFA_F_NODAD);
  return socket_->Transact(message, StrCat("adding address ", address.address.ToString(), "/",
                                           static_cast<int>(address.prefix_length), " to ", name));
}

absl::StatusOr<std::vector<InterfaceAddress>> RtnetlinkRouteTable::Addresses(
    const std::string& name) {
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, Device(name));
  std::vector<InterfaceAddress> result;
  for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
    NetlinkMessage message(RTM_GETADDR, NLM_F_DUMP);
    message.Extra<ifaddrmsg>()->ifa_family = family;
    SLUICE_RETURN_IF_ERROR(socket_->Query(
        message, StrCat("listing the addresses of ", name), [&](const nlmsghdr* reply) {
          const auto* info = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(reply));
          if (static_cast<int>(info->ifa_index) != device.index) return;
          if (info->ifa_family != family || info->ifa_scope != RT_SCOPE_UNIVERSE) return;
          std::optional<IpAddress> local, address;
          ForEachAttribute(reply, sizeof(ifaddrmsg), [&](const nlattr* a) {
            if (mnl_attr_get_type(a) == IFA_LOCAL) local = AddressFrom(family, a);
            if (mnl_attr_get_type(a) == IFA_ADDRESS) address = AddressFrom(family, a);
          });
          // On a point-to-point link IFA_ADDRESS is the far end's.
          if (!local) local = address;
          if (local) result.push_back({*local, info->ifa_prefixlen});
        }));
  }
  return result;
}

RtnetlinkRouteTable::Listed RtnetlinkRouteTable::ParseRoute(const nlmsghdr* message) {
  const auto* info = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
  Listed route;
  route.type = info->rtm_type;
  route.table = info->rtm_table;
  route.destination.address.v6 = info->rtm_family == AF_INET6;
  route.destination.length = info->rtm_dst_len;
  if (info->rtm_flags & RTM_F_CLONED) route.plain = false;
  ForEachAttribute(message, sizeof(rtmsg), [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case RTA_DST:
        route.destination.address = AddressFrom(info->rtm_family, a);
        break;
      case RTA_OIF:
        route.device_index = AttributeAs<int>(a);
        break;
      case RTA_PRIORITY:
        route.metric = AttributeAs<uint32_t>(a);
        break;
      case RTA_TABLE:
        route.table = AttributeAs<uint32_t>(a);
        break;
      case RTA_GATEWAY:
      case RTA_VIA:
      case RTA_MULTIPATH:
        route.plain = false;
        break;
      default:
        break;
    }
  });
  return route;
}

absl::Status RtnetlinkRouteTable::ListRoutes(int family, uint32_t table, std::vector<Listed>& out) {
  NetlinkMessage message(RTM_GETROUTE, NLM_F_DUMP);
  auto* info = message.Extra<rtmsg>();
  info->rtm_family = static_cast<uint8_t>(family);
  message.PutU32(RTA_TABLE, table);
  absl::Status status =
      socket_->Query(message, StrCat("listing routing table ", table), [&](const nlmsghdr* reply) {
        Listed route = ParseRoute(reply);
        if (route.table == table) out.push_back(route);
      });
  // The kernel has not made the table yet: it has no routes.
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<RtnetlinkRouteTable::Listed> RtnetlinkRouteTable::Wanted(uint32_t table,
                                                                        const Route& route) {
  Listed wanted;
  wanted.destination = route.destination;
  wanted.table = table;
  wanted.metric = route.destination.address.v6 ? kIpv6DefaultMetric : 0;
  wanted.type = route.blackhole ? RTN_BLACKHOLE : RTN_UNICAST;
  if (route.blackhole) return wanted;
  SLUICE_ASSIGN_OR_RETURN(NetDevice device, Device(route.device));
  wanted.device_index = device.index;
  return wanted;
}

absl::StatusOr<IpAddress> RtnetlinkRouteTable::SourceTo(const IpAddress& destination,
                                                        uint32_t mark) {
  NetlinkMessage message(RTM_GETROUTE, 0);
  auto* header = message.Extra<rtmsg>();
  header->rtm_family = Family(destination.v6);
  header->rtm_dst_len = static_cast<uint8_t>(8 * AddressSize(destination.v6));
  message.PutBytes(RTA_DST, destination.bytes.data(), AddressSize(destination.v6));
  message.PutU32(RTA_MARK, mark);
  std::optional<IpAddress> source;
  SLUICE_RETURN_IF_ERROR(socket_->Query(
      message, StrCat("finding a route to ", destination.ToString()), [&](const nlmsghdr* reply) {
        const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(reply));
        ForEachAttribute(reply, sizeof(rtmsg), [&](const nlattr* a) {
          if (mnl_attr_get_type(a) == RTA_PREFSRC) source = AddressFrom(route->rtm_family, a);
        });
      }));
  if (source) return *source;
  return absl::UnavailableError(
      StrCat("this machine has no address from which to reach ", destination.ToString()));
}

bool RtnetlinkRouteTable::Same(const Listed& a, const Listed& b) {
  // The kernel shows IPv6 blackholes on lo.
  return a.plain && b.plain && a.type == b.type &&
         (a.type != RTN_UNICAST || a.device_index == b.device_index);
}

absl::Status RtnetlinkRouteTable::PutRoute(const Listed& route) {
  const IpPrefix& to = route.destination;
  NetlinkMessage message(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
  auto* info = message.Extra<rtmsg>();
  info->rtm_family = Family(to.address.v6);
  info->rtm_dst_len = to.length;
  info->rtm_table = RT_TABLE_UNSPEC;
  info->rtm_protocol = RTPROT_STATIC;
  info->rtm_type = route.type;
  info->rtm_scope = route.type == RTN_UNICAST && !to.address.v6 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
  message.PutU32(RTA_TABLE, route.table);
  message.PutBytes(RTA_DST, to.address.bytes.data(), AddressSize(to.address.v6));
  if (route.metric != 0) message.PutU32(RTA_PRIORITY, route.metric);
  if (route.device_index != 0) message.PutU32(RTA_OIF, static_cast<uint32_t>(route.device_index));
  return socket_->Transact(message,
                           StrCat("putting route ", to.ToString(), " into table ", route.table));
}

absl::Status RtnetlinkRouteTable::DeleteRoute(const Listed& route) {
  const IpPrefix& to = route.destination;
  NetlinkMessage message(RTM_DELROUTE, 0);
  auto* info = message.Extra<rtmsg>();
  info->rtm_family = Family(to.address.v6);
  info->rtm_dst_len = to.length;
  info->rtm_table = RT_TABLE_UNSPEC;
  info->rtm_type = route.type;
  info->rtm_scope = RT_SCOPE_NOWHERE;
  message.PutU32(RTA_TABLE, route.table);
  message.PutBytes(RTA_DST, to.address.bytes.data(), AddressSize(to.address.v6));
  if (route.metric != 0) message.PutU32(RTA_PRIORITY, route.metric);
  if (route.device_index != 0 && route.type == RTN_UNICAST) {
    message.PutU32(RTA_OIF, static_cast<uint32_t>(route.device_index));
  }
  absl::Status status = socket_->Transact(
      message, StrCat("deleting route ", to.ToString(), " from table ", route.table));
  // ESRCH: it went with its device in between.
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::Status RtnetlinkRouteTable::ReplaceTable(uint32_t table, const std::vector<Route>& routes) {
  if (table == RT_TABLE_UNSPEC || table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL ||
      table == RT_TABLE_DEFAULT) {
    return absl::InvalidArgumentError(
        StrCat("routing table ", table, " is the system's; use one of your own"));
  }
  std::vector<Listed> listed;
  SLUICE_RETURN_IF_ERROR(ListRoutes(AF_INET, table, listed));
  SLUICE_RETURN_IF_ERROR(ListRoutes(AF_INET6, table, listed));
  std::map<std::pair<IpPrefix, uint32_t>, Listed> stale;
  for (const Listed& route : listed) stale[{route.destination, route.metric}] = route;
  for (const Route& route : routes) {
    SLUICE_ASSIGN_OR_RETURN(Listed wanted, Wanted(table, route));
    // A put replaces the route of the same key, so only other keys are left to delete.
    const auto node = stale.extract({wanted.destination, wanted.metric});
    if (!node.empty() && Same(node.mapped(), wanted)) continue;
    SLUICE_RETURN_IF_ERROR(PutRoute(wanted));
  }
  for (const auto& [key, route] : stale) SLUICE_RETURN_IF_ERROR(DeleteRoute(route));
  return absl::OkStatus();
}

absl::Status RtnetlinkRouteTable::ChangeRule(bool add, int family, const std::string& input_device,
                                             uint32_t table, uint32_t priority) {
  NetlinkMessage message(add ? RTM_NEWRULE : RTM_DELRULE,
                         add ? static_cast<uint16_t>(NLM_F_CREATE | NLM_F_EXCL) : uint16_t{0});
  auto* rule = message.Extra<fib_rule_hdr>();
  rule->family = static_cast<uint8_t>(family);
  rule->action = FR_ACT_TO_TBL;
  message.PutU32(FRA_TABLE, table);
  message.PutU32(FRA_PRIORITY, priority);
  message.PutString(FRA_IIFNAME, input_device);
  return socket_->Transact(
      message, StrCat(add ? "adding" : "removing", family == AF_INET6 ? " IPv6" : " IPv4",
                      " routing rule: from ", input_device, " to table ", table));
}

absl::Status RtnetlinkRouteTable::AddInputRule(const std::string& input_device, uint32_t table,
                                               uint32_t priority) {
  SLUICE_RETURN_IF_ERROR(CheckName(input_device));
  for (int family : {AF_INET, AF_INET6}) {
    absl::Status status = ChangeRule(true, family, input_device, table, priority);
    if (!status.ok() && !absl::IsAlreadyExists(status)) return status;
  }
  return absl::OkStatus();
}

absl::Status RtnetlinkRouteTable::RemoveInputRule(const std::string& input_device, uint32_t table,
                                                  uint32_t priority) {
  SLUICE_RETURN_IF_ERROR(CheckName(input_device));
  for (int family : {AF_INET, AF_INET6}) {
    absl::Status status = ChangeRule(false, family, input_device, table, priority);
    if (!status.ok() && !absl::IsNotFound(status)) return status;
  }
  return absl::OkStatus();
}

}  // namespace sluice
