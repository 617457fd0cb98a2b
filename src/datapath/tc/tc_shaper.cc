#include "datapath/tc/tc_shaper.h"

#include <utility>

#include "base/status.h"
#include "base/strings.h"
#include "os/netlink/route_table.h"
#include "os/netlink/tc.h"

namespace sluice {
namespace {

constexpr uint32_t kRootHandle = SLUICE_HTB_HANDLE;
// Where packets go that no slot's class takes: it drops them. Without it HTB
// would send them on unshaped.
constexpr uint32_t kDefaultMinor = 0x3fff;
constexpr uint32_t kDefaultClass = SLUICE_HTB_HANDLE | kDefaultMinor;
constexpr uint64_t kDefaultRate = 1000;  // bytes/s; HTB wants one
constexpr uint32_t kQuantum = 1500;

// fq holds what the gate has admitted, and the gate bounds that per link.
constexpr FqParameters kFq{
    .limit = 1'000'000, .flow_limit = 1'000'000, .horizon_us = 3'600'000'000};

uint32_t LeafHandle(uint32_t class_id) { return TcHandle(class_id & 0xffff, 0); }

// Whether the kernel's class keeps to the plan; it keeps bursts in 64 ns steps.
bool SameBurst(uint64_t kernel, uint64_t plan, uint64_t rate) {
  return kernel <= plan + 1 && kernel + rate / 15'625'000 + 2 >= plan;
}

bool SameClass(const HtbClass& kernel, const HtbClass& plan) {
  return kernel.rate == plan.rate && kernel.peak == plan.peak && kernel.quantum == plan.quantum &&
         kernel.overhead == plan.overhead && SameBurst(kernel.burst, plan.burst, plan.rate) &&
         SameBurst(kernel.peak_burst, plan.peak_burst, plan.peak);
}

bool SamePlan(const ShaperPlan& a, const ShaperPlan& b) {
  return a.htb.rate == b.htb.rate && a.htb.burst == b.htb.burst && a.htb.peak == b.htb.peak &&
         a.htb.peak_burst == b.htb.peak_burst && a.htb.quantum == b.htb.quantum &&
         a.htb.overhead == b.htb.overhead && a.leaf.max_size == b.leaf.max_size &&
         a.leaf.limit == b.leaf.limit;
}

}  // namespace

TcShaper::TcShaper(std::unique_ptr<RouteTable> routes, std::unique_ptr<TrafficControl> tc,
                   Plan plan)
    : routes_(std::move(routes)), tc_(std::move(tc)), plan_(std::move(plan)) {}

absl::StatusOr<std::unique_ptr<TcShaper>> TcShaper::Open() {
  SLUICE_ASSIGN_OR_RETURN(auto routes, RtnetlinkRouteTable::Open());
  SLUICE_ASSIGN_OR_RETURN(auto tc, RtnetlinkTrafficControl::Open());
  return std::make_unique<TcShaper>(std::move(routes), std::move(tc));
}

absl::StatusOr<Shaper::Started> TcShaper::Start(const std::string& device,
                                                const std::string& wanted) {
  if (wanted != "auto" && wanted != "edt" && wanted != "htb") {
    return absl::InvalidArgumentError(StrCat("shaper \"", wanted, "\": must be auto, edt or htb"));
  }
  SLUICE_ASSIGN_OR_RETURN(const NetDevice found, routes_->Device(device));
  device_ = device;
  index_ = found.index;
  mtu_ = found.mtu;
  classes_.clear();
  SLUICE_ASSIGN_OR_RETURN(const Qdisc root, Root());
  const bool has_htb =
      root.kind == "htb" && root.handle == kRootHandle && root.default_class == kDefaultMinor;
  std::string no_fq;
  if (wanted == "edt" || (wanted == "auto" && !has_htb)) {
    const absl::Status edt = StartEdt();
    if (edt.ok()) {
      return Started{mode_,
                     {"shaper", "edt+fq",
                      "the kernel has fq; it cannot split super-packets, so those that are longer "
                      "than a lease's burst are refused"}};
    }
    if (wanted == "edt" || !absl::IsNotFound(edt)) return edt;
    no_fq = "the kernel has no fq";
  }
  SLUICE_RETURN_IF_ERROR(StartHtb());
  if (has_htb) no_fq = "it was there already";
  if (no_fq.empty()) no_fq = "it was asked for";
  return Started{mode_, {"shaper", "htb", no_fq}};
}

absl::StatusOr<Qdisc> TcShaper::Root() {
  SLUICE_ASSIGN_OR_RETURN(const std::vector<Qdisc> all, tc_->Qdiscs(index_));
  for (const Qdisc& qdisc : all) {
    if (qdisc.parent == kTcRoot) return qdisc;
  }
  return Qdisc{};
}

absl::Status TcShaper::StartEdt() {
  SLUICE_ASSIGN_OR_RETURN(const Qdisc root, Root());
  // A replace cannot turn one kind into another under the same handle.
  if (root.handle == kRootHandle && root.kind != "fq") {
    SLUICE_RETURN_IF_ERROR(tc_->DeleteQdisc(index_, kTcRoot));
  }
  SLUICE_RETURN_IF_ERROR(tc_->ReplaceFq(index_, kTcRoot, kRootHandle, kFq));
  mode_ = SLUICE_SHAPER_EDT;
  return absl::OkStatus();
}

absl::Status TcShaper::StartHtb() {
  SLUICE_RETURN_IF_ERROR(tc_->ReplaceHtb(index_, kRootHandle, kDefaultMinor));
  HtbClass refuse;
  refuse.id = kDefaultClass;
  refuse.parent = kRootHandle;
  refuse.rate = refuse.peak = kDefaultRate;
  refuse.burst = refuse.peak_burst = refuse.quantum = kQuantum;
  SLUICE_RETURN_IF_ERROR(tc_->ReplaceHtbClass(index_, refuse));
  SLUICE_RETURN_IF_ERROR(tc_->ReplaceBlackhole(index_, kDefaultClass, LeafHandle(kDefaultClass)));
  mode_ = SLUICE_SHAPER_HTB;
  return absl::OkStatus();
}

absl::StatusOr<ShaperWords> TcShaper::Apply(uint32_t slot, BitRate rate, Bytes burst) {
  if (mode_ == SLUICE_SHAPER_CLOSED) {
    return absl::FailedPreconditionError("the shaper has not been started");
  }
  if (slot >= SLUICE_MAX_SLOTS) {
    return absl::OutOfRangeError(StrCat("slot ", slot, " is beyond the last class of HTB"));
  }
  if (mode_ == SLUICE_SHAPER_EDT) return PlanEdt(rate, burst, mtu_);
  SLUICE_ASSIGN_OR_RETURN(ShaperPlan plan, plan_(rate, burst, mtu_));
  plan.htb.id = SLUICE_CLASS(slot);
  plan.htb.parent = kRootHandle;
  const auto known = classes_.find(slot);
  if (known == classes_.end() || !SamePlan(known->second, plan)) {
    // Neither resets the class's tokens nor loses what is queued, if it is there.
    classes_.erase(slot);
    SLUICE_RETURN_IF_ERROR(tc_->ReplaceHtbClass(index_, plan.htb));
    SLUICE_RETURN_IF_ERROR(
        tc_->ReplaceTbf(index_, plan.htb.id, LeafHandle(plan.htb.id), plan.leaf));
    classes_[slot] = plan;
  }
  return plan.words;
}

absl::Status TcShaper::Close(uint32_t slot) {
  if (mode_ != SLUICE_SHAPER_HTB || slot >= SLUICE_MAX_SLOTS) return absl::OkStatus();
  classes_.erase(slot);
  return tc_->DeleteClass(index_, SLUICE_CLASS(slot));
}

absl::Status TcShaper::CheckDevice() {
  SLUICE_ASSIGN_OR_RETURN(const NetDevice device, routes_->Device(device_));
  if (device.index == index_) return absl::OkStatus();
  return absl::FailedPreconditionError(
      StrCat("tunnel device ", device_, " is another than the one that the shaper was put on"));
}

absl::Status TcShaper::Verify(const std::vector<uint32_t>& open) {
  if (mode_ == SLUICE_SHAPER_CLOSED) {
    return absl::FailedPreconditionError("the shaper has not been started");
  }
  SLUICE_RETURN_IF_ERROR(CheckDevice());
  SLUICE_ASSIGN_OR_RETURN(const std::vector<Qdisc> all, tc_->Qdiscs(index_));
  std::map<uint32_t, Qdisc> by_parent;
  for (const Qdisc& qdisc : all) by_parent[qdisc.parent] = qdisc;
  const Qdisc& root = by_parent[kTcRoot];
  const std::string kind = mode_ == SLUICE_SHAPER_EDT ? "fq" : "htb";
  if (root.kind != kind || root.handle != kRootHandle ||
      (kind == "htb" && root.default_class != kDefaultMinor)) {
    return absl::FailedPreconditionError(
        StrCat("the queue of ", device_, " is \"", root.kind, "\" and not the shaper's ", kind));
  }
  if (mode_ == SLUICE_SHAPER_EDT) return absl::OkStatus();
  if (by_parent[kDefaultClass].kind != "blackhole") {
    return absl::FailedPreconditionError(
        StrCat("HTB's default class on ", device_, " does not refuse packets any more"));
  }
  SLUICE_ASSIGN_OR_RETURN(const std::vector<HtbClassState> listed, tc_->HtbClasses(index_));
  std::map<uint32_t, HtbClassState> classes;
  for (const HtbClassState& state : listed) classes[state.htb.id] = state;
  for (const uint32_t slot : open) {
    SLUICE_RETURN_IF_ERROR(VerifyClass(slot, classes, by_parent));
  }
  return absl::OkStatus();
}

absl::Status TcShaper::VerifyClass(uint32_t slot, const std::map<uint32_t, HtbClassState>& classes,
                                   const std::map<uint32_t, Qdisc>& leaves) const {
  const uint32_t id = SLUICE_CLASS(slot);
  const auto plan = classes_.find(slot);
  const auto found = classes.find(id);
  const auto leaf = leaves.find(id);
  if (plan == classes_.end() || found == classes.end()) {
    return absl::FailedPreconditionError(StrCat("slot ", slot, " has no class on ", device_));
  }
  if (!SameClass(found->second.htb, plan->second.htb)) {
    return absl::FailedPreconditionError(
        StrCat("the class of slot ", slot, " on ", device_, " has another rate or burst"));
  }
  if (leaf == leaves.end() || leaf->second.kind != "tbf" ||
      leaf->second.tbf.limit != plan->second.leaf.limit) {
    return absl::FailedPreconditionError(
        StrCat("the queue of slot ", slot, " on ", device_, " is not the shaper's"));
  }
  return absl::OkStatus();
}

absl::Status TcShaper::Remove() {
  classes_.clear();
  mode_ = SLUICE_SHAPER_CLOSED;
  if (index_ == 0) return absl::OkStatus();
  absl::StatusOr<NetDevice> device = routes_->Device(device_);
  // It took its queue with it.
  if (absl::IsNotFound(device.status())) return absl::OkStatus();
  SLUICE_RETURN_IF_ERROR(device.status());
  return tc_->DeleteQdisc(device->index, kTcRoot);
}

}  // namespace sluice
