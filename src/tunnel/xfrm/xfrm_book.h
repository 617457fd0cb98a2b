// What a tunnel has in the kernel and the kernel has no words for: whose SA it is and of
// which epoch. No keys.
#ifndef SLUICE_TUNNEL_XFRM_XFRM_BOOK_H_
#define SLUICE_TUNNEL_XFRM_XFRM_BOOK_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "base/secret.h"
#include "model/prefix.h"
#include "os/netlink/xfrm_interface.h"

namespace sluice {

struct XfrmBook {
  struct Epoch {
    uint64_t number = 0;
    uint32_t send_spi = 0;
    uint32_t receive_spi = 0;
    friend bool operator==(const Epoch&, const Epoch&) = default;
  };
  struct Peer {
    uint32_t reqid = 0;         // of its SAs and policies, and of no other's
    Endpoint endpoint;          // ESP has no ports; this one is only kept
    IpAddress local;            // our outer address towards it
    uint64_t newest = 0;        // the largest epoch number that was ever installed
    std::vector<Epoch> epochs;  // by number
    friend bool operator==(const Peer&, const Peer&) = default;

    const Epoch* Find(uint64_t number) const;
  };

  uint32_t if_id = 0;
  PublicKey id{};
  std::map<PublicKey, Peer> peers;
  friend bool operator==(const XfrmBook&, const XfrmBook&) = default;
};

// Whose SAs and policies they are, in a book that stays as it is meanwhile.
class XfrmOwners {
 public:
  explicit XfrmOwners(const XfrmBook& book);

  // The peer of one of whose epochs this is an SA, or null: then it is not ours.
  const XfrmBook::Peer* Of(const XfrmSa& sa) const;
  const XfrmBook::Peer* Of(const XfrmPolicy& policy) const;

 private:
  const XfrmBook& book_;
  std::map<uint32_t, const XfrmBook::Peer*> peers_;  // by reqid
};

// The SA of an epoch that sends to the peer, or the one that receives from it; without mark
// and limits.
XfrmSa SendingSa(const XfrmBook& book, const XfrmBook::Peer& peer, const XfrmBook::Epoch& epoch);
XfrmSa ReceivingSa(const XfrmBook& book, const XfrmBook::Peer& peer, const XfrmBook::Epoch& epoch);

// As a file: lines of words. Decode takes only what Encode writes.
std::string EncodeXfrmBook(const XfrmBook& book);
absl::StatusOr<XfrmBook> DecodeXfrmBook(std::string_view text);

}  // namespace sluice

#endif  // SLUICE_TUNNEL_XFRM_XFRM_BOOK_H_
