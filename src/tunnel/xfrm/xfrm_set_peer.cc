// XfrmTunnel::SetPeer: first what receives, then what sends, then the old goes.
#include <algorithm>
#include <cstring>

#include "base/status.h"
#include "base/strings.h"
#include "tunnel/xfrm/xfrm_limits.h"
#include "tunnel/xfrm/xfrm_tunnel.h"

namespace sluice {
namespace {

uint32_t FreshReqid(const XfrmBook& book) {
  for (;;) {
    uint32_t reqid = 0;
    RandomBytes({reinterpret_cast<uint8_t*>(&reqid), sizeof(reqid)});
    const auto taken = [&](const auto& p) { return p.second.reqid == reqid; };
    if (reqid != 0 && std::ranges::none_of(book.peers, taken)) return reqid;
  }
}

bool Among(const std::vector<XfrmSa>& sas, const XfrmSa& sa) {
  return std::ranges::any_of(sas, [&](const XfrmSa& one) {
    return one.spi == sa.spi && one.destination == sa.destination;
  });
}

bool SameSelector(const XfrmPolicy& a, const XfrmPolicy& b) {
  return a.direction == b.direction && a.source == b.source && a.destination == b.destination;
}

// All epochs that may have something in the kernel while one plan is carried out.
std::vector<XfrmBook::Epoch> Both(const XfrmPeerPlan& plan) {
  std::vector<XfrmBook::Epoch> epochs = plan.after.epochs;
  if (!plan.before || plan.moved) return epochs;
  for (const XfrmBook::Epoch& epoch : plan.before->epochs) {
    if (plan.after.Find(epoch.number) == nullptr) epochs.push_back(epoch);
  }
  std::ranges::sort(epochs, {}, &XfrmBook::Epoch::number);
  return epochs;
}

}  // namespace

absl::Status XfrmTunnel::SetPeer(const TunnelPeer& peer) {
  if (!mark_) {
    return absl::FailedPreconditionError(StrCat("tunnel device ", device_, " is not configured"));
  }
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  XfrmOuter outer;
  if (peer.endpoint) {
    outer.endpoint = *peer.endpoint;
  } else if (const auto it = book_.peers.find(peer.key); it != book_.peers.end()) {
    outer.endpoint = it->second.endpoint;
  } else {
    return absl::InvalidArgumentError("a peer of an xfrm tunnel needs an endpoint");
  }
  SLUICE_ASSIGN_OR_RETURN(outer.local, parts_.routes->SourceTo(outer.endpoint.address, *mark_));
  SLUICE_ASSIGN_OR_RETURN(
      const XfrmPeerPlan plan,
      PlanXfrmPeer(peer, outer, book_, kernel, FreshReqid(book_), *mark_, parts_.clock.WallNow()));
  return Install(plan, kernel);
}

absl::Status XfrmTunnel::Install(const XfrmPeerPlan& plan, const XfrmKernel& kernel) {
  if (plan.moved) SLUICE_RETURN_IF_ERROR(RemoveAllOf(*plan.before));
  // The book knows all that the kernel may have at any moment from now on, also should this
  // process end there.
  XfrmBook::Peer& kept = book_.peers[plan.key];
  kept = plan.after;
  kept.epochs = Both(plan);
  if (!plan.before || kept != *plan.before) SLUICE_RETURN_IF_ERROR(Save());
  SLUICE_RETURN_IF_ERROR(AddSas(plan));
  SLUICE_RETURN_IF_ERROR(SwitchPolicies(plan, kernel));
  SLUICE_RETURN_IF_ERROR(Retire(plan));
  SLUICE_RETURN_IF_ERROR(ReadBack(plan));
  if (kept == plan.after) return absl::OkStatus();
  kept = plan.after;
  return Save();
}

absl::Status XfrmTunnel::AddSas(const XfrmPeerPlan& plan) {
  for (const XfrmPeerPlan::NewSa& one : plan.add) {
    const absl::Status added = parts_.xfrm->AddSa(one.sa, one.key);
    if (added.ok()) continue;
    // Not the one that failed: it may be another's.
    for (const XfrmPeerPlan::NewSa& undone : plan.add) {
      if (&undone == &one) break;
      SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeleteSa(undone.sa));
    }
    XfrmBook::Peer& kept = book_.peers[plan.key];
    std::erase_if(kept.epochs, [&](const XfrmBook::Epoch& epoch) {
      return !plan.before || plan.moved || plan.before->Find(epoch.number) == nullptr;
    });
    SLUICE_RETURN_IF_ERROR(Save());
    return added;
  }
  return absl::OkStatus();
}

absl::Status XfrmTunnel::SwitchPolicies(const XfrmPeerPlan& plan, const XfrmKernel& kernel) {
  const XfrmSaState* old = kernel.Sender(plan.after.reqid);
  if (plan.sender && old != nullptr && old->sa.spi != plan.sender->spi) {
    // It has waited since it was installed, and the old one has used of its limits since.
    SLUICE_ASSIGN_OR_RETURN(const XfrmKernel now, Read());
    const XfrmSaState* last = now.Find(old->sa);
    const XfrmSaState* next = now.Find(*plan.sender);
    if (last != nullptr && next != nullptr) {
      XfrmSa bounded = next->sa;
      bounded.limits = RemainingLimits(*last, *next);
      SLUICE_RETURN_IF_ERROR(parts_.xfrm->UpdateSa(bounded));
    }
  }
  for (const XfrmPolicy& policy : plan.policies) {
    if (std::ranges::count(kernel.policies, policy) == 0 || plan.moved) {
      SLUICE_RETURN_IF_ERROR(parts_.xfrm->SetPolicy(policy));
    }
  }
  for (const XfrmPolicy& policy : kernel.policies) {
    const auto same = [&](const XfrmPolicy& wanted) { return SameSelector(policy, wanted); };
    if (policy.reqid != plan.after.reqid || std::ranges::any_of(plan.policies, same)) continue;
    SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeletePolicy(policy));
  }
  return absl::OkStatus();
}

absl::Status XfrmTunnel::Retire(const XfrmPeerPlan& plan) {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  bool waited = false;
  for (const XfrmSaState& state : kernel.sas) {
    if (state.sa.reqid != plan.after.reqid || Among(plan.stay, state.sa)) continue;
    // A packet that has been given an SA which then goes would be lost.
    if (!waited) parts_.xfrm->AwaitPolicies();
    waited = true;
    SLUICE_RETURN_IF_ERROR(parts_.xfrm->DeleteSa(state.sa));
  }
  return absl::OkStatus();
}

absl::Status XfrmTunnel::ReadBack(const XfrmPeerPlan& plan) {
  SLUICE_ASSIGN_OR_RETURN(const XfrmKernel kernel, Read());
  const auto ours = [&](const auto& one) { return one.reqid == plan.after.reqid; };
  bool good = std::ranges::all_of(plan.stay, [&](const XfrmSa& sa) {
    const XfrmSaState* state = kernel.Find(sa);
    return state != nullptr && state->sa.source == sa.source && state->extended &&
           (sa.source != plan.after.local || state->sa.mark == *mark_);
  });
  good = good && std::ranges::count_if(kernel.sas, ours, &XfrmSaState::sa) ==
                     static_cast<ptrdiff_t>(plan.stay.size());
  good = good && std::ranges::all_of(plan.policies, [&](const XfrmPolicy& policy) {
           return std::ranges::count(kernel.policies, policy) == 1;
         });
  good = good && std::ranges::count_if(kernel.policies, ours) ==
                     static_cast<ptrdiff_t>(plan.policies.size());
  if (good) return absl::OkStatus();
  return absl::InternalError(StrCat("peer ", ToBase64(plan.key), " was set on ", device_,
                                    " but does not read back as set"));
}

}  // namespace sluice
