#include "os/netlink/netlink_socket.h"

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include <cerrno>

#include "base/secret.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

// An attribute's length is 16 bits, so no nest can be longer than this anyway.
constexpr size_t kMessageSize = 60 << 10;
constexpr size_t kReceiveSize = 64 << 10;
constexpr int kDumpAttempts = 10;

// The kernel's own words about an error, or "".
std::string ExtendedAck(const nlmsghdr* message) {
  if (!(message->nlmsg_flags & NLM_F_ACK_TLVS)) return "";
  const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
  size_t fixed = sizeof(nlmsgerr);
  if (!(message->nlmsg_flags & NLM_F_CAPPED)) fixed += error->msg.nlmsg_len - sizeof(nlmsghdr);
  std::string text;
  ForEachAttribute(message, fixed, [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == NLMSGERR_ATTR_MSG) text = AttributeText(a);
  });
  return text;
}

absl::Status KernelError(int error, const nlmsghdr* message, std::string_view what) {
  if (error == 0) return absl::OkStatus();
  const std::string words = ExtendedAck(message);
  if (words.empty()) return ErrnoStatus(error, what);
  return ErrnoStatus(error, StrCat(what, " (kernel: ", words, ")"));
}

}  // namespace

NetlinkMessage::NetlinkMessage(uint16_t type, uint16_t flags) : buffer_(kMessageSize) {
  nlmsghdr* h = mnl_nlmsg_put_header(buffer_.data());
  h->nlmsg_type = type;
  h->nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
}

NetlinkMessage::~NetlinkMessage() {
  if (!buffer_.empty()) Wipe(buffer_.data(), header()->nlmsg_len);
}

void NetlinkMessage::PutBytes(uint16_t type, const void* data, size_t size) {
  if (!mnl_attr_put_check(header(), buffer_.size(), type, size, data)) overflowed_ = true;
}

void NetlinkMessage::PutU8(uint16_t type, uint8_t v) { PutBytes(type, &v, sizeof(v)); }
void NetlinkMessage::PutU16(uint16_t type, uint16_t v) { PutBytes(type, &v, sizeof(v)); }
void NetlinkMessage::PutU32(uint16_t type, uint32_t v) { PutBytes(type, &v, sizeof(v)); }
void NetlinkMessage::PutU64(uint16_t type, uint64_t v) { PutBytes(type, &v, sizeof(v)); }

void NetlinkMessage::PutString(uint16_t type, std::string_view v) {
  const std::string terminated(v);
  PutBytes(type, terminated.c_str(), terminated.size() + 1);
}

nlattr* NetlinkMessage::BeginNest(uint16_t type) {
  nlattr* nest = mnl_attr_nest_start_check(header(), buffer_.size(), type);
  if (nest == nullptr) overflowed_ = true;
  return nest;
}

void NetlinkMessage::EndNest(nlattr* nest) {
  if (nest != nullptr) mnl_attr_nest_end(header(), nest);
}

void ForEachAttribute(const nlmsghdr* message, size_t fixed_size,
                      const std::function<void(const nlattr*)>& on_attribute) {
  const size_t offset = NLMSG_HDRLEN + MNL_ALIGN(fixed_size);
  if (message->nlmsg_len < offset) return;
  const auto* end = reinterpret_cast<const char*>(message) + message->nlmsg_len;
  const auto* a = reinterpret_cast<const nlattr*>(reinterpret_cast<const char*>(message) + offset);
  for (; mnl_attr_ok(a, static_cast<int>(end - reinterpret_cast<const char*>(a)));
       a = mnl_attr_next(a)) {
    on_attribute(a);
  }
}

void ForEachAttribute(const nlattr* nest, const std::function<void(const nlattr*)>& on_attribute) {
  const auto* payload = static_cast<const char*>(mnl_attr_get_payload(nest));
  const char* end = payload + mnl_attr_get_payload_len(nest);
  const auto* a = reinterpret_cast<const nlattr*>(payload);
  for (; mnl_attr_ok(a, static_cast<int>(end - reinterpret_cast<const char*>(a)));
       a = mnl_attr_next(a)) {
    on_attribute(a);
  }
}

std::string AttributeText(const nlattr* attribute) {
  const auto* text = static_cast<const char*>(mnl_attr_get_payload(attribute));
  return std::string(text, strnlen(text, mnl_attr_get_payload_len(attribute)));
}

absl::StatusOr<std::unique_ptr<NetlinkSocket>> NetlinkSocket::Open(int protocol) {
  mnl_socket* raw = mnl_socket_open2(protocol, SOCK_CLOEXEC);
  if (raw == nullptr) return ErrnoStatus(errno, "opening a netlink socket");
  std::unique_ptr<NetlinkSocket> socket(new NetlinkSocket(raw));
  if (mnl_socket_bind(raw, 0, MNL_SOCKET_AUTOPID) < 0) {
    return ErrnoStatus(errno, "binding a netlink socket");
  }
  int on = 1;
  // Without CAP_ACK an error would echo the request, keys and all.
  for (int option : {NETLINK_EXT_ACK, NETLINK_CAP_ACK, NETLINK_GET_STRICT_CHK}) {
    if (mnl_socket_setsockopt(raw, option, &on, sizeof(on)) < 0) {
      return ErrnoStatus(errno, "setting a netlink socket option (Linux 4.20 or newer needed)");
    }
  }
  return socket;
}

NetlinkSocket::~NetlinkSocket() { mnl_socket_close(socket_); }

NetlinkSocket::Replies::~Replies() {
  for (auto& m : messages) Wipe(m.data(), m.size());
}

absl::Status NetlinkSocket::Send(NetlinkMessage& message, std::string_view what) {
  if (message.overflowed()) {
    return absl::ResourceExhaustedError(StrCat(what, ": the netlink message is too long"));
  }
  message.header()->nlmsg_seq = ++sequence_;
  ssize_t sent;
  do {
    sent = mnl_socket_sendto(socket_, message.header(), message.header()->nlmsg_len);
  } while (sent < 0 && errno == EINTR);
  return sent < 0 ? ErrnoStatus(errno, what) : absl::OkStatus();
}

std::optional<absl::Status> NetlinkSocket::Terminal(const nlmsghdr* message, bool dump,
                                                    std::string_view what) {
  if (message->nlmsg_type == NLMSG_DONE) {
    int error = 0;
    if (message->nlmsg_len >= NLMSG_HDRLEN + sizeof(int)) {
      std::memcpy(&error, mnl_nlmsg_get_payload(message), sizeof(error));
    }
    return KernelError(error < 0 ? -error : 0, message, what);
  }
  if (message->nlmsg_type == NLMSG_ERROR) {
    if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(nlmsgerr)) {
      return absl::InternalError(StrCat(what, ": truncated netlink error message"));
    }
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(message));
    // A dump that asked for an acknowledgement too is not over with it.
    if (error->error == 0 && dump) return std::nullopt;
    return KernelError(-error->error, message, what);
  }
  return std::nullopt;
}

absl::Status NetlinkSocket::Receive(const NetlinkMessage& request, std::string_view what,
                                    Replies& replies) {
  const bool dump = (request.header()->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  std::vector<uint8_t> buffer(kReceiveSize);
  for (;;) {
    const ssize_t got = mnl_socket_recvfrom(socket_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, StrCat(what, ": reading netlink answer"));
    int left = static_cast<int>(got);
    std::optional<absl::Status> end;
    for (const auto* m = reinterpret_cast<const nlmsghdr*>(buffer.data());
         !end && mnl_nlmsg_ok(m, left); m = mnl_nlmsg_next(m, &left)) {
      // An answer to a request that failed half-way.
      if (m->nlmsg_seq != request.header()->nlmsg_seq) continue;
      if (m->nlmsg_flags & NLM_F_DUMP_INTR) replies.interrupted = true;
      end = Terminal(m, dump, what);
      if (end || m->nlmsg_type < NLMSG_MIN_TYPE) continue;
      const auto* bytes = reinterpret_cast<const uint8_t*>(m);
      replies.messages.emplace_back(bytes, bytes + m->nlmsg_len);
    }
    Wipe(buffer.data(), static_cast<size_t>(got));
    if (end) return *end;
  }
}

absl::Status NetlinkSocket::Transact(NetlinkMessage& message, std::string_view what) {
  message.header()->nlmsg_flags |= NLM_F_ACK;
  SLUICE_RETURN_IF_ERROR(Send(message, what));
  Replies replies;
  return Receive(message, what, replies);
}

absl::Status NetlinkSocket::Query(NetlinkMessage& message, std::string_view what,
                                  const std::function<void(const nlmsghdr*)>& on_reply) {
  const bool dump = (message.header()->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
  // A get has no end of its own; the acknowledgement marks it.
  if (!dump) message.header()->nlmsg_flags |= NLM_F_ACK;
  for (int attempt = 0; attempt < kDumpAttempts; ++attempt) {
    Replies replies;
    SLUICE_RETURN_IF_ERROR(Send(message, what));
    SLUICE_RETURN_IF_ERROR(Receive(message, what, replies));
    if (replies.interrupted) continue;
    for (const auto& m : replies.messages) on_reply(reinterpret_cast<const nlmsghdr*>(m.data()));
    return absl::OkStatus();
  }
  return absl::AbortedError(StrCat(what, ": changed too often while it was read"));
}

}  // namespace sluice
