#include "tunnel/xfrm/xfrm_peer_plan.h"

#include <algorithm>
#include <set>

#include "base/status.h"
#include "base/strings.h"
#include "tunnel/xfrm/xfrm_limits.h"

namespace sluice {
namespace {

constexpr uint32_t kFirstSpi = 256;  // those below are reserved (RFC 4303)
// The longest prefix decides, as in a routing table.
constexpr uint32_t kLowestPriority = 2000;

bool HasKeys(const TunnelEpoch& epoch) {
  return !epoch.send_key.IsZero() && !epoch.receive_key.IsZero();
}

absl::Status CheckEpochs(const TunnelPeer& peer) {
  std::set<uint64_t> numbers;
  for (const TunnelEpoch& epoch : peer.epochs) {
    if (epoch.number == 0 || !numbers.insert(epoch.number).second) {
      return absl::InvalidArgumentError("an epoch's number is 0 or there twice");
    }
    if (epoch.send_key.IsZero() != epoch.receive_key.IsZero()) {
      return absl::InvalidArgumentError(StrCat("epoch ", epoch.number, " has only one key"));
    }
  }
  if (peer.send_epoch == 0 || numbers.contains(peer.send_epoch)) return absl::OkStatus();
  return absl::InvalidArgumentError(
      StrCat("it is to send by epoch ", peer.send_epoch, ", which it does not have"));
}

class Planner {
 public:
  Planner(const TunnelPeer& peer, const XfrmBook& book, const XfrmKernel& kernel, uint32_t mark,
          absl::Time now, XfrmPeerPlan& plan)
      : peer_(peer), book_(book), kernel_(kernel), mark_(mark), now_(now), plan_(plan) {}

  absl::Status Epochs() {
    std::vector<const TunnelEpoch*> sorted;
    for (const TunnelEpoch& epoch : peer_.epochs) sorted.push_back(&epoch);
    std::ranges::sort(sorted, {}, [](const TunnelEpoch* e) { return e->number; });
    for (const TunnelEpoch* epoch : sorted) SLUICE_RETURN_IF_ERROR(Place(*epoch));
    std::ranges::stable_sort(plan_.add, {},
                             [&](const auto& n) { return n.sa.source == plan_.after.local; });
    return absl::OkStatus();
  }

  void Policies() {
    const std::set<IpPrefix> allowed(peer_.allowed.begin(), peer_.allowed.end());
    for (const XfrmDirection direction :
         {XfrmDirection::kIn, XfrmDirection::kForward, XfrmDirection::kOut}) {
      if (direction == XfrmDirection::kOut && !plan_.sender) continue;
      for (const IpPrefix& prefix : allowed) plan_.policies.push_back(Policy(direction, prefix));
    }
  }

 private:
  absl::Status Place(const TunnelEpoch& epoch) {
    const XfrmBook::Epoch* known = plan_.before ? plan_.before->Find(epoch.number) : nullptr;
    return known != nullptr ? Keep(epoch, *known) : Add(epoch);
  }

  absl::Status Keep(const TunnelEpoch& epoch, const XfrmBook::Epoch& known) {
    if ((epoch.send_spi != 0 && epoch.send_spi != known.send_spi) ||
        (epoch.receive_spi != 0 && epoch.receive_spi != known.receive_spi)) {
      return absl::InvalidArgumentError(
          StrCat("epoch ", epoch.number, " is installed with other SPIs"));
    }
    if (plan_.moved) {
      return absl::FailedPreconditionError(
          StrCat("the outer addresses have changed, and the keys of epoch ", epoch.number,
                 " must not be used a second time; a new epoch is needed"));
    }
    const XfrmSa receives = ReceivingSa(book_, plan_.after, known);
    const XfrmSa sends = SendingSa(book_, plan_.after, known);
    const bool is_sender = epoch.number == peer_.send_epoch;
    const bool can_send = kernel_.Find(sends) != nullptr;
    if (kernel_.Find(receives) == nullptr || (is_sender && !can_send)) {
      return absl::FailedPreconditionError(StrCat("epoch ", epoch.number, " has ended"));
    }
    plan_.stay.push_back(receives);
    if (can_send && epoch.number >= peer_.send_epoch) plan_.stay.push_back(sends);
    if (is_sender) plan_.sender = sends;
    plan_.after.epochs.push_back(known);
    return absl::OkStatus();
  }

  absl::Status Add(const TunnelEpoch& epoch) {
    if (!HasKeys(epoch)) {
      return absl::FailedPreconditionError(
          StrCat("epoch ", epoch.number, " is not installed, and there are no keys with it"));
    }
    if (plan_.before && epoch.number <= plan_.before->newest) {
      return absl::FailedPreconditionError(
          StrCat("epoch ", epoch.number, " has ended, or is older than one that was installed"));
    }
    if (epoch.send_spi < kFirstSpi || epoch.receive_spi < kFirstSpi) {
      return absl::InvalidArgumentError(StrCat("epoch ", epoch.number, " has a reserved SPI"));
    }
    const XfrmBook::Epoch fresh{epoch.number, epoch.send_spi, epoch.receive_spi};
    AddSa(ReceivingSa(book_, plan_.after, fresh), {epoch.receive_key, epoch.receive_salt});
    if (epoch.number >= peer_.send_epoch) {
      XfrmSa sends = SendingSa(book_, plan_.after, fresh);
      if (epoch.number == peer_.send_epoch) plan_.sender = sends;
      sends.mark = mark_;
      AddSa(sends, {epoch.send_key, epoch.send_salt});
    }
    plan_.after.epochs.push_back(fresh);
    plan_.after.newest = std::max(plan_.after.newest, epoch.number);
    return absl::OkStatus();
  }

  void AddSa(XfrmSa sa, const XfrmKey& key) {
    plan_.stay.push_back(sa);
    XfrmSaState as_new;
    as_new.added = now_;
    if (const XfrmSaState* last = NewestLike(sa)) sa.limits = RemainingLimits(*last, as_new);
    plan_.add.push_back({sa, key});
  }

  // The newest SA of the same direction that is in the kernel.
  const XfrmSaState* NewestLike(const XfrmSa& sa) const {
    const XfrmSaState* newest = nullptr;
    if (!plan_.before || plan_.moved) return nullptr;
    for (const XfrmBook::Epoch& epoch : plan_.before->epochs) {
      const bool sends = sa.source == plan_.after.local;
      const XfrmSaState* one = kernel_.Find(sends ? SendingSa(book_, *plan_.before, epoch)
                                                  : ReceivingSa(book_, *plan_.before, epoch));
      if (one != nullptr) newest = one;
    }
    return newest;
  }

  XfrmPolicy Policy(XfrmDirection direction, const IpPrefix& prefix) const {
    const bool out = direction == XfrmDirection::kOut;
    IpPrefix any;
    any.address.v6 = prefix.address.v6;
    XfrmPolicy policy;
    policy.if_id = book_.if_id;
    policy.direction = direction;
    policy.source = out ? any : prefix;
    policy.destination = out ? prefix : any;
    policy.priority = kLowestPriority - prefix.length;
    policy.outer_source = out ? plan_.after.local : plan_.after.endpoint.address;
    policy.outer_destination = out ? plan_.after.endpoint.address : plan_.after.local;
    policy.reqid = plan_.after.reqid;
    policy.spi = out ? plan_.sender->spi : 0;
    return policy;
  }

  const TunnelPeer& peer_;
  const XfrmBook& book_;
  const XfrmKernel& kernel_;
  const uint32_t mark_;
  const absl::Time now_;
  XfrmPeerPlan& plan_;
};

}  // namespace

absl::StatusOr<XfrmPeerPlan> PlanXfrmPeer(const TunnelPeer& peer, const XfrmOuter& outer,
                                          const XfrmBook& book, const XfrmKernel& kernel,
                                          uint32_t fresh_reqid, uint32_t mark, absl::Time now) {
  SLUICE_RETURN_IF_ERROR(CheckEpochs(peer));
  XfrmPeerPlan plan;
  plan.key = peer.key;
  plan.after.reqid = fresh_reqid;
  if (const auto it = book.peers.find(peer.key); it != book.peers.end()) {
    plan.before = it->second;
    plan.after = it->second;
    plan.after.epochs.clear();
    plan.moved =
        it->second.endpoint.address != outer.endpoint.address || it->second.local != outer.local;
  }
  plan.after.endpoint = outer.endpoint;
  plan.after.local = outer.local;
  Planner planner(peer, book, kernel, mark, now, plan);
  SLUICE_RETURN_IF_ERROR(planner.Epochs());
  planner.Policies();
  return plan;
}

}  // namespace sluice
