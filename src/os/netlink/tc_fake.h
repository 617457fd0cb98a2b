// A TrafficControl in memory, for tests.
#ifndef SLUICE_OS_NETLINK_TC_FAKE_H_
#define SLUICE_OS_NETLINK_TC_FAKE_H_

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "os/netlink/tc_interface.h"

namespace sluice {

class TrafficControlFake final : public TrafficControl {
 public:
  bool has_fq = true;
  bool has_htb = true;
  // If not OK, every call returns it and does nothing.
  absl::Status fail_with;
  int changes = 0;  // calls that changed something

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
  absl::Status Put(int device, Qdisc qdisc);

  std::map<std::pair<int, uint32_t>, Qdisc> qdiscs_;           // by device and parent
  std::map<std::pair<int, uint32_t>, HtbClassState> classes_;  // by device and id
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_TC_FAKE_H_
