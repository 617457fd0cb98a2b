#include "os/netlink/xfrm_messages.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>

namespace sluice {
namespace {

constexpr char kAead[] = "rfc4106(gcm(aes))";
constexpr uint32_t kTagBits = 128;
constexpr char kXfrmKind[] = "xfrm";

uint16_t XfrmFamily(const IpAddress& address) { return address.v6 ? AF_INET6 : AF_INET; }

void PutXfrmAddress(const IpAddress& from, xfrm_address_t& to) {
  std::copy_n(from.bytes.begin(), from.v6 ? 16 : 4, reinterpret_cast<uint8_t*>(&to));
}

IpAddress GetXfrmAddress(const xfrm_address_t& from, uint16_t family) {
  IpAddress address;
  address.v6 = family == AF_INET6;
  std::copy_n(reinterpret_cast<const uint8_t*>(&from), address.v6 ? 16 : 4, address.bytes.begin());
  return address;
}

void PutLifetimes(const XfrmLimits& limits, xfrm_lifetime_cfg& to) {
  to.soft_byte_limit = to.soft_packet_limit = XFRM_INF;
  to.hard_byte_limit = limits.bytes;
  to.hard_packet_limit = limits.packets;
  to.hard_add_expires_seconds = limits.seconds;
}

void PutKey(const XfrmKey& key, NetlinkMessage& message) {
  constexpr size_t kSize = 32 + sizeof(key.salt);
  alignas(xfrm_algo_aead) std::array<uint8_t, sizeof(xfrm_algo_aead) + kSize> bytes{};
  auto* aead = reinterpret_cast<xfrm_algo_aead*>(bytes.data());
  std::copy_n(kAead, sizeof(kAead), aead->alg_name);
  aead->alg_key_len = kSize * 8;
  aead->alg_icv_len = kTagBits;
  uint8_t* material = bytes.data() + sizeof(xfrm_algo_aead);
  std::ranges::copy(key.key.bytes(), material);
  std::memcpy(material + 32, &key.salt, sizeof(key.salt));
  message.PutBytes(XFRMA_ALG_AEAD, bytes.data(), bytes.size());
  Wipe(bytes.data(), bytes.size());
}

void PutReplayWindow(NetlinkMessage& message) {
  constexpr size_t kBitmap = kXfrmReplayWindow / 8;
  alignas(xfrm_replay_state_esn) std::array<uint8_t, sizeof(xfrm_replay_state_esn) + kBitmap>
      bytes{};
  auto* replay = reinterpret_cast<xfrm_replay_state_esn*>(bytes.data());
  replay->bmp_len = kBitmap / sizeof(uint32_t);
  replay->replay_window = kXfrmReplayWindow;
  message.PutBytes(XFRMA_REPLAY_ESN_VAL, bytes.data(), bytes.size());
}

// The kernel wants the SA whole, also to change what it takes over of it.
void PutSa(const XfrmSa& sa, const XfrmKey& key, NetlinkMessage& message) {
  auto* info = message.Extra<xfrm_usersa_info>();
  PutXfrmAddress(sa.source, info->saddr);
  PutXfrmAddress(sa.destination, info->id.daddr);
  info->id.spi = htonl(sa.spi);
  info->id.proto = IPPROTO_ESP;
  info->family = XfrmFamily(sa.destination);
  info->mode = XFRM_MODE_TUNNEL;
  info->reqid = sa.reqid;
  // No selector and no family of it: inner packets are of both.
  info->flags = XFRM_STATE_AF_UNSPEC | XFRM_STATE_ESN;
  PutLifetimes(sa.limits, info->lft);

  PutKey(key, message);
  PutReplayWindow(message);
  message.PutU32(XFRMA_IF_ID, sa.if_id);
  if (sa.mark == 0) return;
  message.PutU32(XFRMA_SET_MARK, sa.mark);
  message.PutU32(XFRMA_SET_MARK_MASK, UINT32_MAX);
}

uint64_t Wide(uint32_t high, uint32_t low) { return uint64_t{high} << 32 | low; }

void DecodeSaAttribute(const nlattr* a, XfrmSaState& state) {
  switch (mnl_attr_get_type(a)) {
    case XFRMA_IF_ID:
      state.sa.if_id = AttributeAs<uint32_t>(a);
      break;
    case XFRMA_SET_MARK:
      state.sa.mark = AttributeAs<uint32_t>(a);
      break;
    case XFRMA_REPLAY_ESN_VAL: {
      const auto replay = AttributeAs<xfrm_replay_state_esn>(a);
      state.sent_number = Wide(replay.oseq_hi, replay.oseq);
      state.heard_number = Wide(replay.seq_hi, replay.seq);
      state.replay_window = replay.replay_window;
      break;
    }
    default:
      break;
  }
}

uint8_t XfrmDirectionWord(XfrmDirection direction) {
  switch (direction) {
    case XfrmDirection::kIn:
      return XFRM_POLICY_IN;
    case XfrmDirection::kOut:
      return XFRM_POLICY_OUT;
    case XfrmDirection::kForward:
      return XFRM_POLICY_FWD;
  }
  return XFRM_POLICY_MAX;
}

void PutSelector(const XfrmPolicy& policy, xfrm_selector& selector) {
  PutXfrmAddress(policy.source.address, selector.saddr);
  PutXfrmAddress(policy.destination.address, selector.daddr);
  selector.prefixlen_s = policy.source.length;
  selector.prefixlen_d = policy.destination.length;
  selector.family = XfrmFamily(policy.destination.address);
}

void DecodeTemplate(const nlattr* a, XfrmPolicy& policy) {
  const auto tmpl = AttributeAs<xfrm_user_tmpl>(a);
  if (mnl_attr_get_payload_len(a) != sizeof(tmpl) || tmpl.id.proto != IPPROTO_ESP ||
      tmpl.mode != XFRM_MODE_TUNNEL || tmpl.optional != 0) {
    return;
  }
  policy.outer_source = GetXfrmAddress(tmpl.saddr, tmpl.family);
  policy.outer_destination = GetXfrmAddress(tmpl.id.daddr, tmpl.family);
  policy.reqid = tmpl.reqid;
  policy.spi = ntohl(tmpl.id.spi);
}

}  // namespace

NetlinkMessage EncodeAddSa(const XfrmSa& sa, const XfrmKey& key) {
  NetlinkMessage message(XFRM_MSG_NEWSA, 0);
  PutSa(sa, key, message);
  return message;
}

NetlinkMessage EncodeUpdateSa(const XfrmSa& sa) {
  NetlinkMessage message(XFRM_MSG_UPDSA, 0);
  PutSa(sa, XfrmKey(), message);
  return message;
}

NetlinkMessage EncodeDeleteSa(const XfrmSa& sa) {
  NetlinkMessage message(XFRM_MSG_DELSA, 0);
  auto* id = message.Extra<xfrm_usersa_id>();
  PutXfrmAddress(sa.destination, id->daddr);
  id->spi = htonl(sa.spi);
  id->family = XfrmFamily(sa.destination);
  id->proto = IPPROTO_ESP;
  return message;
}

NetlinkMessage EncodeListSas() { return NetlinkMessage(XFRM_MSG_GETSA, NLM_F_DUMP); }

std::optional<XfrmSaState> DecodeSa(const nlmsghdr* message) {
  if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(xfrm_usersa_info)) return std::nullopt;
  const auto* info = static_cast<const xfrm_usersa_info*>(mnl_nlmsg_get_payload(message));
  XfrmSaState state;
  state.sa.source = GetXfrmAddress(info->saddr, info->family);
  state.sa.destination = GetXfrmAddress(info->id.daddr, info->family);
  state.sa.spi = ntohl(info->id.spi);
  state.sa.reqid = info->reqid;
  state.sa.limits = {info->lft.hard_byte_limit, info->lft.hard_packet_limit,
                     info->lft.hard_add_expires_seconds};
  state.bytes = info->curlft.bytes;
  state.packets = info->curlft.packets;
  state.added = absl::FromUnixSeconds(static_cast<int64_t>(info->curlft.add_time));
  state.extended = (info->flags & XFRM_STATE_ESN) != 0;
  ForEachAttribute(message, sizeof(xfrm_usersa_info),
                   [&](const nlattr* a) { DecodeSaAttribute(a, state); });
  // SPI 0 is not an SA but the kernel's wish for one (XFRM_MSG_ACQUIRE).
  if (state.sa.if_id == 0 || state.sa.spi == 0) return std::nullopt;
  return state;
}

NetlinkMessage EncodeSetPolicy(const XfrmPolicy& policy) {
  NetlinkMessage message(XFRM_MSG_UPDPOLICY, 0);
  auto* info = message.Extra<xfrm_userpolicy_info>();
  PutSelector(policy, info->sel);
  PutLifetimes(XfrmLimits(), info->lft);
  info->priority = policy.priority;
  info->dir = XfrmDirectionWord(policy.direction);
  info->action = XFRM_POLICY_ALLOW;
  info->share = XFRM_SHARE_ANY;
  xfrm_user_tmpl tmpl{};
  PutXfrmAddress(policy.outer_source, tmpl.saddr);
  PutXfrmAddress(policy.outer_destination, tmpl.id.daddr);
  tmpl.id.spi = htonl(policy.spi);
  tmpl.id.proto = IPPROTO_ESP;
  tmpl.family = XfrmFamily(policy.outer_destination);
  tmpl.reqid = policy.reqid;
  tmpl.mode = XFRM_MODE_TUNNEL;
  tmpl.aalgos = tmpl.ealgos = tmpl.calgos = UINT32_MAX;
  message.PutBytes(XFRMA_TMPL, &tmpl, sizeof(tmpl));
  message.PutU32(XFRMA_IF_ID, policy.if_id);
  return message;
}

NetlinkMessage EncodeDeletePolicy(const XfrmPolicy& policy) {
  NetlinkMessage message(XFRM_MSG_DELPOLICY, 0);
  auto* id = message.Extra<xfrm_userpolicy_id>();
  PutSelector(policy, id->sel);
  id->dir = XfrmDirectionWord(policy.direction);
  message.PutU32(XFRMA_IF_ID, policy.if_id);
  return message;
}

NetlinkMessage EncodeListPolicies() { return NetlinkMessage(XFRM_MSG_GETPOLICY, NLM_F_DUMP); }

std::optional<XfrmPolicy> DecodePolicy(const nlmsghdr* message) {
  if (message->nlmsg_len < NLMSG_HDRLEN + sizeof(xfrm_userpolicy_info)) return std::nullopt;
  const auto* info = static_cast<const xfrm_userpolicy_info*>(mnl_nlmsg_get_payload(message));
  XfrmPolicy policy;
  policy.source = {GetXfrmAddress(info->sel.saddr, info->sel.family), info->sel.prefixlen_s};
  policy.destination = {GetXfrmAddress(info->sel.daddr, info->sel.family), info->sel.prefixlen_d};
  policy.priority = info->priority;
  ForEachAttribute(message, sizeof(xfrm_userpolicy_info), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == XFRMA_IF_ID) policy.if_id = AttributeAs<uint32_t>(a);
    if (mnl_attr_get_type(a) == XFRMA_TMPL && info->action == XFRM_POLICY_ALLOW) {
      DecodeTemplate(a, policy);
    }
  });
  if (policy.if_id == 0) return std::nullopt;
  for (const XfrmDirection direction :
       {XfrmDirection::kIn, XfrmDirection::kOut, XfrmDirection::kForward}) {
    if (XfrmDirectionWord(direction) != info->dir) continue;
    policy.direction = direction;
    return policy;
  }
  return std::nullopt;  // a socket's own
}

NetlinkMessage EncodeCreateXfrmDevice(const std::string& name, uint32_t if_id) {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL);
  message.Extra<ifinfomsg>();
  message.PutString(IFLA_IFNAME, name);
  nlattr* info = message.BeginNest(IFLA_LINKINFO);
  message.PutString(IFLA_INFO_KIND, kXfrmKind);
  nlattr* data = message.BeginNest(IFLA_INFO_DATA);
  message.PutU32(IFLA_XFRM_IF_ID, if_id);
  message.EndNest(data);
  message.EndNest(info);
  return message;
}

XfrmDevice DecodeXfrmDevice(const nlmsghdr* message) {
  XfrmDevice device;
  std::string kind;
  uint32_t if_id = 0;
  const auto take_data = [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == IFLA_XFRM_IF_ID) if_id = AttributeAs<uint32_t>(a);
  };
  const auto take_info = [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == IFLA_INFO_KIND) kind = AttributeText(a);
    if (mnl_attr_get_type(a) == IFLA_INFO_DATA) ForEachAttribute(a, take_data);
  };
  ForEachAttribute(message, sizeof(ifinfomsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == IFLA_IFALIAS) device.alias = AttributeText(a);
    if (mnl_attr_get_type(a) == IFLA_LINKINFO) ForEachAttribute(a, take_info);
  });
  if (kind == kXfrmKind) device.if_id = if_id;
  return device;
}

}  // namespace sluice
