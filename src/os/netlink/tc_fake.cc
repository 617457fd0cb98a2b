#include "os/netlink/tc_fake.h"

#include "base/status.h"
#include "base/strings.h"

namespace sluice {

absl::Status TrafficControlFake::Put(int device, Qdisc qdisc) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  if ((qdisc.kind == "fq" && !has_fq) || (qdisc.kind == "htb" && !has_htb)) {
    return absl::NotFoundError(StrCat("the kernel has no qdisc ", qdisc.kind));
  }
  if (qdisc.parent != kTcRoot && !classes_.contains({device, qdisc.parent})) {
    return absl::NotFoundError("there is no such parent class");
  }
  if (qdisc.parent == kTcRoot) {
    auto& root = qdiscs_[{device, kTcRoot}];
    if (root.kind != qdisc.kind || root.handle != qdisc.handle) {
      SLUICE_RETURN_IF_ERROR(DeleteQdisc(device, kTcRoot));
    }
  } else {
    classes_[{device, qdisc.parent}].leaf = qdisc.handle;
  }
  ++changes;
  qdiscs_[{device, qdisc.parent}] = std::move(qdisc);
  return absl::OkStatus();
}

absl::Status TrafficControlFake::ReplaceHtb(int device, uint32_t handle, uint32_t default_minor) {
  Qdisc qdisc;
  qdisc.kind = "htb";
  qdisc.handle = handle;
  qdisc.parent = kTcRoot;
  qdisc.default_class = default_minor;
  return Put(device, qdisc);
}

absl::Status TrafficControlFake::ReplaceHtbClass(int device, const HtbClass& htb) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  const auto root = qdiscs_.find({device, kTcRoot});
  if (root == qdiscs_.end() || root->second.kind != "htb") {
    return absl::NotFoundError("there is no HTB on the device");
  }
  if (htb.rate == 0) return absl::InvalidArgumentError("an HTB class needs a rate");
  ++changes;
  classes_[{device, htb.id}].htb = htb;
  return absl::OkStatus();
}

absl::Status TrafficControlFake::ReplaceTbf(int device, uint32_t parent, uint32_t handle,
                                            const TbfParameters& tbf) {
  Qdisc qdisc;
  qdisc.kind = "tbf";
  qdisc.handle = handle;
  qdisc.parent = parent;
  qdisc.tbf = tbf;
  return Put(device, qdisc);
}

absl::Status TrafficControlFake::ReplaceBfifo(int device, uint32_t parent, uint32_t handle,
                                              uint32_t limit_bytes) {
  Qdisc qdisc;
  qdisc.kind = "bfifo";
  qdisc.handle = handle;
  qdisc.parent = parent;
  qdisc.limit = limit_bytes;
  return Put(device, qdisc);
}

absl::Status TrafficControlFake::ReplaceBlackhole(int device, uint32_t parent, uint32_t handle) {
  Qdisc qdisc;
  qdisc.kind = "blackhole";
  qdisc.handle = handle;
  qdisc.parent = parent;
  return Put(device, qdisc);
}

absl::Status TrafficControlFake::ReplaceFq(int device, uint32_t parent, uint32_t handle,
                                           const FqParameters& fq) {
  Qdisc qdisc;
  qdisc.kind = "fq";
  qdisc.handle = handle;
  qdisc.parent = parent;
  qdisc.limit = fq.limit;
  return Put(device, qdisc);
}

absl::Status TrafficControlFake::DeleteQdisc(int device, uint32_t parent) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  ++changes;
  if (parent != kTcRoot) {
    qdiscs_.erase({device, parent});
    return absl::OkStatus();
  }
  std::erase_if(qdiscs_, [&](const auto& q) { return q.first.first == device; });
  std::erase_if(classes_, [&](const auto& c) { return c.first.first == device; });
  return absl::OkStatus();
}

absl::Status TrafficControlFake::DeleteClass(int device, uint32_t id) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  ++changes;
  qdiscs_.erase({device, id});
  classes_.erase({device, id});
  return absl::OkStatus();
}

absl::StatusOr<std::vector<Qdisc>> TrafficControlFake::Qdiscs(int device) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  std::vector<Qdisc> result;
  for (const auto& [key, qdisc] : qdiscs_) {
    if (key.first == device) result.push_back(qdisc);
  }
  return result;
}

absl::StatusOr<std::vector<HtbClassState>> TrafficControlFake::HtbClasses(int device) {
  SLUICE_RETURN_IF_ERROR(fail_with);
  std::vector<HtbClassState> result;
  for (const auto& [key, state] : classes_) {
    if (key.first == device) result.push_back(state);
  }
  return result;
}

}  // namespace sluice
