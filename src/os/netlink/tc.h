// TrafficControl over rtnetlink(7).
#ifndef SLUICE_OS_NETLINK_TC_H_
#define SLUICE_OS_NETLINK_TC_H_

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/netlink/netlink_socket.h"
#include "os/netlink/tc_interface.h"

namespace sluice {

// Works in the network namespace in which it was opened.
class RtnetlinkTrafficControl final : public TrafficControl {
 public:
  static absl::StatusOr<std::unique_ptr<RtnetlinkTrafficControl>> Open();

  absl::Status ReplaceHtb(int device, uint32_t handle, uint32_t default_minor) override;
  absl::Status ReplaceHtbClass(int device, const HtbClass& htb) override;
  absl::Status ReplaceTbf(int device, uint32_t parent, uint32_t handle,
                          const TbfParameters& tbf) override;
  absl::Status ReplaceBfifo(int device, uint32_t parent, uint32_t handle,
                            uint32_t limit_bytes) override;
  absl::Status ReplaceBlackhole(int device, uint32_t parent, uint32_t handle) override;
  absl::Status ReplaceFq(int device, uint32_t parent, uint32_t handle,
                         const FqParameters& fq) override;
  absl::Status DeleteQdisc(int device, uint32_t parent) override;
  absl::Status DeleteClass(int device, uint32_t id) override;
  absl::StatusOr<std::vector<Qdisc>> Qdiscs(int device) override;
  absl::StatusOr<std::vector<HtbClassState>> HtbClasses(int device) override;

 private:
  explicit RtnetlinkTrafficControl(std::unique_ptr<NetlinkSocket> socket)
      : socket_(std::move(socket)) {}

  std::unique_ptr<NetlinkSocket> socket_;
};

// The encodings, apart from the socket so that tests can read them back.
NetlinkMessage EncodeHtbClass(int device, const HtbClass& htb);
NetlinkMessage EncodeTbf(int device, uint32_t parent, uint32_t handle, const TbfParameters& tbf);
HtbClassState DecodeHtbClass(const nlmsghdr* message);
Qdisc DecodeQdisc(const nlmsghdr* message);

// How long `rate` takes for `bytes` in the kernel's 64 ns ticks, rounded down;
// the largest count if that overflows 32 bits. And back, rounded up.
uint32_t PsTicks(uint64_t bytes, uint64_t rate);
uint64_t BytesOfPsTicks(uint32_t ticks, uint64_t rate);

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_TC_H_
