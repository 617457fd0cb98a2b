// One netlink conversation with the kernel (netlink(7)), over libmnl.
#ifndef SLUICE_OS_NETLINK_NETLINK_SOCKET_H_
#define SLUICE_OS_NETLINK_NETLINK_SOCKET_H_

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace sluice {

// A message under construction: header, fixed part and attributes in one
// buffer of fixed size, wiped on destruction since it may carry keys. What
// does not fit sets overflowed(), and sending it then fails.
class NetlinkMessage {
 public:
  NetlinkMessage(uint16_t type, uint16_t flags);  // NLM_F_REQUEST is implied
  ~NetlinkMessage();
  NetlinkMessage(NetlinkMessage&&) = default;
  NetlinkMessage& operator=(NetlinkMessage&&) = default;
  nlmsghdr* header() { return reinterpret_cast<nlmsghdr*>(buffer_.data()); }
  const nlmsghdr* header() const { return reinterpret_cast<const nlmsghdr*>(buffer_.data()); }
  bool overflowed() const { return overflowed_; }
  // Appends the fixed-size part that follows the header, zeroed.
  template <typename T>
  T* Extra() {
    return static_cast<T*>(mnl_nlmsg_put_extra_header(header(), sizeof(T)));
  }
  void PutU8(uint16_t type, uint8_t v);
  void PutU16(uint16_t type, uint16_t v);
  void PutU32(uint16_t type, uint32_t v);
  void PutU64(uint16_t type, uint64_t v);
  void PutString(uint16_t type, std::string_view v);  // with terminating zero
  void PutBytes(uint16_t type, const void* data, size_t size);
  nlattr* BeginNest(uint16_t type);
  void EndNest(nlattr* nest);  // null: the nest did not fit; nothing to end

 private:
  std::vector<uint8_t> buffer_;
  bool overflowed_ = false;
};

// Calls `on_attribute` for each attribute that follows the message's fixed
// part of `fixed_size` bytes, or that `nest` holds. Malformed tails are skipped.
void ForEachAttribute(const nlmsghdr* message, size_t fixed_size,
                      const std::function<void(const nlattr*)>& on_attribute);
void ForEachAttribute(const nlattr* nest, const std::function<void(const nlattr*)>& on_attribute);

// The attribute's payload as T, zero-padded if it is shorter than T.
template <typename T>
T AttributeAs(const nlattr* attribute) {
  T value{};
  std::memcpy(&value, mnl_attr_get_payload(attribute),
              std::min<size_t>(sizeof(T), mnl_attr_get_payload_len(attribute)));
  return value;
}
// The payload as text, up to its terminating zero.
std::string AttributeText(const nlattr* attribute);

// Not thread-safe.
class NetlinkSocket {
 public:
  // `protocol`: NETLINK_ROUTE, NETLINK_GENERIC, … Extended acknowledgements are
  // on, so errors carry the kernel's own words.
  static absl::StatusOr<std::unique_ptr<NetlinkSocket>> Open(int protocol);
  ~NetlinkSocket();
  NetlinkSocket(const NetlinkSocket&) = delete;
  NetlinkSocket& operator=(const NetlinkSocket&) = delete;

  // Sends and waits for the acknowledgement; the error is the kernel's errno as
  // absl::Status (ErrnoToStatus) with `what` and the kernel's extack text.
  absl::Status Transact(NetlinkMessage& message, std::string_view what);
  // Sends a request (NLM_F_DUMP or a get) and calls `on_reply` for each answer.
  // A dump that changes interrupted is asked again, so `on_reply` sees one
  // whole answer; Aborted if that does not succeed. Buffers are wiped.
  absl::Status Query(NetlinkMessage& message, std::string_view what,
                     const std::function<void(const nlmsghdr*)>& on_reply);

 private:
  // What has arrived in answer to one request.
  struct Replies {
    std::vector<std::vector<uint8_t>> messages;
    bool interrupted = false;
    ~Replies();
  };
  explicit NetlinkSocket(mnl_socket* socket) : socket_(socket) {}
  absl::Status Send(NetlinkMessage& message, std::string_view what);
  // Reads until the request's acknowledgement, end of dump or error.
  absl::Status Receive(const NetlinkMessage& request, std::string_view what, Replies& replies);
  // The status of a terminal message, or nullopt if more is to come.
  static std::optional<absl::Status> Terminal(const nlmsghdr* message, bool dump,
                                              std::string_view what);

  mnl_socket* socket_;
  uint32_t sequence_ = 0;
};

}  // namespace sluice

#endif  // SLUICE_OS_NETLINK_NETLINK_SOCKET_H_
