#include "os/packet/packet.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "os/packet/wall_offset.h"
#include "os/sensors/unix_fd.h"

namespace sluice {
namespace {

constexpr size_t kMaxFrame = 2048;
// Both clocks are read so close to each other, in nanoseconds, or their offset is not known.
constexpr int64_t kMostBetween = WallOffset::kUnsure;

int64_t Read(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

class PacketSocket final : public PacketPort {
 public:
  PacketSocket(int fd, std::string device, int index, uint16_t ethertype)
      : fd_(fd), device_(std::move(device)), index_(index), ethertype_(ethertype) {}
  int fd() const override { return fd_.get(); }
  absl::Status Prepare(const std::vector<MacAddress>& groups);
  absl::StatusOr<std::optional<ReceivedFrame>> Receive() override;
  absl::StatusOr<BootTime> Send(const MacAddress& destination, std::string_view payload) override;
  absl::StatusOr<bool> Carrier() override;

 private:
  absl::Status Gone() const {
    return absl::NotFoundError(StrCat("device ", device_, " is gone or was replaced"));
  }
  void Date(msghdr& message, ReceivedFrame& frame);
  absl::Status Join(const MacAddress& group);

  UnixFd fd_;
  const std::string device_;
  const int index_;
  const uint16_t ethertype_;
  MacAddress address_{};
  WallOffset offset_;
};

ifreq Request(const std::string& device) {
  ifreq request{};
  device.copy(request.ifr_name, IFNAMSIZ - 1);
  return request;
}

absl::Status PacketSocket::Join(const MacAddress& group) {
  packet_mreq membership{};
  membership.mr_ifindex = index_;
  membership.mr_type = PACKET_MR_MULTICAST;
  membership.mr_alen = ETH_ALEN;
  std::memcpy(membership.mr_address, group.data(), group.size());
  if (::setsockopt(fd_.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &membership, sizeof membership))
    return ErrnoStatus(errno, StrCat("cannot listen to a group on ", device_));
  return absl::OkStatus();
}

absl::Status PacketSocket::Prepare(const std::vector<MacAddress>& groups) {
  const int on = 1;
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ethertype_);
  address.sll_ifindex = index_;
  ifreq request = Request(device_);
  if (::setsockopt(fd_.get(), SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) != 0 ||
      ::ioctl(fd_.get(), SIOCGIFHWADDR, &request) != 0 ||
      ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return ErrnoStatus(errno, StrCat("cannot open a packet socket on ", device_));
  std::memcpy(address_.data(), request.ifr_hwaddr.sa_data, address_.size());
  for (const MacAddress& group : groups) SLUICE_RETURN_IF_ERROR(Join(group));
  return absl::OkStatus();
}

// The kernel dates frames by the wall clock; what it said is told in boot time.
void PacketSocket::Date(msghdr& message, ReceivedFrame& frame) {
  int64_t boot = 0;
  int64_t wall = 0;
  int64_t between = kMostBetween + 1;
  for (int i = 0; i < 4 && between > kMostBetween; ++i) {
    boot = Read(CLOCK_BOOTTIME);
    wall = Read(CLOCK_REALTIME);
    between = Read(CLOCK_BOOTTIME) - boot;
  }
  const bool steady = between <= kMostBetween && offset_.Take(boot, wall);
  frame.at = BootTime{boot};
  frame.exact = false;
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS) continue;
    timespec at{};
    std::memcpy(&at, CMSG_DATA(c), sizeof at);
    const int64_t then = int64_t{at.tv_sec} * 1'000'000'000 + at.tv_nsec - (wall - boot);
    if (!steady || then > boot) continue;
    frame.at = BootTime{then};
    frame.exact = true;
  }
}

absl::StatusOr<std::optional<ReceivedFrame>> PacketSocket::Receive() {
  char data[kMaxFrame];
  alignas(cmsghdr) char control[256];
  iovec part{data, sizeof data};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  while (true) {
    const ssize_t size = ::recvmsg(fd_.get(), &message, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ENETDOWN)) return std::nullopt;
    if (size < 0) return Gone();
    if (size < ETH_HLEN || (message.msg_flags & MSG_TRUNC) != 0) continue;
    ReceivedFrame frame;
    std::memcpy(frame.destination.data(), data, ETH_ALEN);
    std::memcpy(frame.source.data(), data + ETH_ALEN, ETH_ALEN);
    frame.payload.assign(data + ETH_HLEN, static_cast<size_t>(size) - ETH_HLEN);
    Date(message, frame);
    return frame;
  }
}

absl::StatusOr<BootTime> PacketSocket::Send(const MacAddress& destination,
                                            std::string_view payload) {
  std::string frame(ETH_HLEN, '\0');
  std::memcpy(frame.data(), destination.data(), ETH_ALEN);
  std::memcpy(frame.data() + ETH_ALEN, address_.data(), ETH_ALEN);
  const uint16_t type = htons(ethertype_);
  std::memcpy(frame.data() + size_t{2} * ETH_ALEN, &type, sizeof type);
  frame += payload;
  const BootTime at{Read(CLOCK_BOOTTIME)};
  if (::send(fd_.get(), frame.data(), frame.size(), MSG_DONTWAIT) >= 0) return at;
  if (errno == ENXIO || errno == ENODEV) return Gone();
  return absl::UnavailableError(StrCat("cannot send on ", device_));
}

absl::StatusOr<bool> PacketSocket::Carrier() {
  ifreq request = Request(device_);
  if (::ioctl(fd_.get(), SIOCGIFINDEX, &request) != 0 || request.ifr_ifindex != index_)
    return Gone();
  if (::ioctl(fd_.get(), SIOCGIFFLAGS, &request) != 0) return Gone();
  if ((request.ifr_flags & IFF_UP) == 0) return false;
  const bool running = (request.ifr_flags & IFF_RUNNING) != 0;
  // The flag follows the link only after up to a second (the kernel's link watch).
  ethtool_value link{ETHTOOL_GLINK, 0};
  ifreq asked = Request(device_);
  asked.ifr_data = reinterpret_cast<char*>(&link);
  return ::ioctl(fd_.get(), SIOCETHTOOL, &asked) == 0 ? link.data != 0 : running;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PacketPort>> SystemPacketPorts::Open(
    const std::string& device, uint16_t ethertype, const std::vector<MacAddress>& groups) {
  // Protocol 0: nothing arrives before bind(2) says from where.
  const int fd = ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return ErrnoStatus(errno, "cannot make a packet socket");
  ifreq request = Request(device);
  if (device.size() >= IFNAMSIZ || ::ioctl(fd, SIOCGIFINDEX, &request) != 0) {
    ::close(fd);
    return absl::NotFoundError(StrCat("there is no device ", device));
  }
  auto port = std::make_unique<PacketSocket>(fd, device, request.ifr_ifindex, ethertype);
  SLUICE_RETURN_IF_ERROR(port->Prepare(groups));
  return port;
}

}  // namespace sluice
