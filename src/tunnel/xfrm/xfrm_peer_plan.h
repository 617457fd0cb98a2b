// What SetPeer is to make of a peer. Pure: decides, and touches nothing.
#ifndef SLUICE_TUNNEL_XFRM_XFRM_PEER_PLAN_H_
#define SLUICE_TUNNEL_XFRM_XFRM_PEER_PLAN_H_

#include <optional>
#include <utility>
#include <vector>

#include "tunnel/tunnel_interface.h"
#include "tunnel/xfrm/xfrm_book.h"
#include "tunnel/xfrm/xfrm_kernel.h"

namespace sluice {

struct XfrmPeerPlan {
  struct NewSa {
    XfrmSa sa;  // with mark and the limits that it takes over
    XfrmKey key;
  };
  PublicKey key{};
  std::optional<XfrmBook::Peer> before;  // as the book has it
  XfrmBook::Peer after;
  bool moved = false;                // the outer addresses are others: nothing of `before` stays
  std::vector<NewSa> add;            // those that receive first
  std::vector<XfrmSa> stay;          // all that are there in the end, without mark and limits
  std::optional<XfrmSa> sender;      // the one of `stay` that sends
  std::vector<XfrmPolicy> policies;  // all, those that receive first
};

// Where the peer is and from where it is reached.
struct XfrmOuter {
  Endpoint endpoint;
  IpAddress local;
};

// `kernel` and `book` agree. `fresh_reqid` is for a peer that has none yet. The errors are
// those of XfrmTunnel::SetPeer.
absl::StatusOr<XfrmPeerPlan> PlanXfrmPeer(const TunnelPeer& peer, const XfrmOuter& outer,
                                          const XfrmBook& book, const XfrmKernel& kernel,
                                          uint32_t fresh_reqid, uint32_t mark, absl::Time now);

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_XFRM_PEER_PLAN_H_
