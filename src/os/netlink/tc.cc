#include "os/netlink/tc.h"

#include <linux/gen_stats.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include <limits>

#include "absl/numeric/int128.h"
#include "absl/strings/str_format.h"
#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

// PSCHED_TICKS2NS in the kernel since 2.6.31; /proc/net/psched shows it.
constexpr uint64_t kTickNs = 64;
constexpr uint64_t kNsPerSecond = 1'000'000'000;
// From here on a rate needs its 64-bit attribute.
constexpr uint64_t kRate32Limit = uint64_t{1} << 32;

std::string Show(uint32_t handle) {
  return absl::StrFormat("%x:%x", handle >> 16, handle & 0xffff);
}

NetlinkMessage TcMessage(uint16_t type, uint16_t flags, int device, uint32_t parent,
                         uint32_t handle) {
  NetlinkMessage message(type, flags);
  auto* tc = message.Extra<tcmsg>();
  tc->tcm_family = AF_UNSPEC;
  tc->tcm_ifindex = device;
  tc->tcm_parent = parent;
  tc->tcm_handle = handle;
  return message;
}

NetlinkMessage ReplaceQdisc(int device, uint32_t parent, uint32_t handle, std::string_view kind) {
  NetlinkMessage message =
      TcMessage(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, device, parent, handle);
  message.PutString(TCA_KIND, kind);
  return message;
}

std::string Putting(std::string_view kind, uint32_t parent) {
  return StrCat("putting the queueing discipline ", kind, " on ",
                parent == kTcRoot ? "the device's egress" : Show(parent));
}

// With a known link layer the kernel computes costs itself and needs no table.
tc_ratespec RateSpec(uint64_t rate, uint16_t overhead) {
  tc_ratespec spec{};
  spec.overhead = overhead;
  spec.linklayer = TC_LINKLAYER_ETHERNET;
  spec.rate =
      rate >= kRate32Limit ? std::numeric_limits<uint32_t>::max() : static_cast<uint32_t>(rate);
  return spec;
}

QueueStats DecodeStats(const nlattr* nest) {
  QueueStats stats;
  uint64_t packets64 = 0;
  ForEachAttribute(nest, [&](const nlattr* a) {
    switch (mnl_attr_get_type(a)) {
      case TCA_STATS_BASIC: {
        const auto basic = AttributeAs<gnet_stats_basic>(a);
        stats.bytes = basic.bytes;
        stats.packets = basic.packets;
        break;
      }
      case TCA_STATS_PKT64:
        packets64 = AttributeAs<uint64_t>(a);
        break;
      case TCA_STATS_QUEUE: {
        const auto queue = AttributeAs<gnet_stats_queue>(a);
        stats.drops = queue.drops;
        stats.backlog_bytes = queue.backlog;
        stats.backlog_packets = queue.qlen;
        break;
      }
      default:
        break;
    }
  });
  if (packets64 != 0) stats.packets = packets64;
  return stats;
}

void DecodeTbf(const nlattr* options, TbfParameters& tbf) {
  tc_tbf_qopt parameters{};
  uint64_t rate64 = 0;
  ForEachAttribute(options, [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == TCA_TBF_PARMS) parameters = AttributeAs<tc_tbf_qopt>(a);
    if (mnl_attr_get_type(a) == TCA_TBF_RATE64) rate64 = AttributeAs<uint64_t>(a);
  });
  tbf.rate = rate64 != 0 ? rate64 : parameters.rate.rate;
  tbf.limit = parameters.limit;
  tbf.max_size = static_cast<uint32_t>(std::min<uint64_t>(
      BytesOfPsTicks(parameters.buffer, tbf.rate), std::numeric_limits<uint32_t>::max()));
}

void DecodeOptions(const nlattr* options, Qdisc& qdisc) {
  if (qdisc.kind == "tbf") DecodeTbf(options, qdisc.tbf);
  if (qdisc.kind == "bfifo") qdisc.limit = AttributeAs<tc_fifo_qopt>(options).limit;
  if (qdisc.kind == "htb") {
    ForEachAttribute(options, [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == TCA_HTB_INIT) {
        qdisc.default_class = AttributeAs<tc_htb_glob>(a).defcls;
      }
    });
  }
  if (qdisc.kind == "fq") {
    ForEachAttribute(options, [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == TCA_FQ_PLIMIT) qdisc.limit = AttributeAs<uint32_t>(a);
    });
  }
}

}  // namespace

uint32_t PsTicks(uint64_t bytes, uint64_t rate) {
  constexpr uint32_t kMax = std::numeric_limits<uint32_t>::max();
  if (rate == 0) return kMax;
  const absl::uint128 ticks = absl::uint128(bytes) * kNsPerSecond / rate / kTickNs;
  return ticks > kMax ? kMax : static_cast<uint32_t>(ticks);
}

uint64_t BytesOfPsTicks(uint32_t ticks, uint64_t rate) {
  const absl::uint128 scaled = absl::uint128(ticks) * kTickNs * rate + (kNsPerSecond - 1);
  const absl::uint128 bytes = scaled / kNsPerSecond;
  constexpr uint64_t kMax = std::numeric_limits<uint64_t>::max();
  return bytes > kMax ? kMax : static_cast<uint64_t>(bytes);
}

NetlinkMessage EncodeHtbClass(int device, const HtbClass& htb) {
  NetlinkMessage message =
      TcMessage(RTM_NEWTCLASS, NLM_F_CREATE | NLM_F_REPLACE, device, htb.parent, htb.id);
  message.PutString(TCA_KIND, "htb");
  tc_htb_opt parameters{};
  parameters.rate = RateSpec(htb.rate, htb.overhead);
  parameters.ceil = RateSpec(htb.peak, htb.overhead);
  parameters.buffer = PsTicks(htb.burst, htb.rate);
  parameters.cbuffer = PsTicks(htb.peak_burst, htb.peak);
  parameters.quantum = htb.quantum;
  nlattr* options = message.BeginNest(TCA_OPTIONS);
  if (htb.rate >= kRate32Limit) message.PutU64(TCA_HTB_RATE64, htb.rate);
  if (htb.peak >= kRate32Limit) message.PutU64(TCA_HTB_CEIL64, htb.peak);
  message.PutBytes(TCA_HTB_PARMS, &parameters, sizeof(parameters));
  message.EndNest(options);
  return message;
}

NetlinkMessage EncodeTbf(int device, uint32_t parent, uint32_t handle, const TbfParameters& tbf) {
  NetlinkMessage message = ReplaceQdisc(device, parent, handle, "tbf");
  tc_tbf_qopt parameters{};
  parameters.rate = RateSpec(tbf.rate, 0);
  parameters.limit = tbf.limit;
  parameters.buffer = PsTicks(tbf.max_size, tbf.rate);
  nlattr* options = message.BeginNest(TCA_OPTIONS);
  message.PutBytes(TCA_TBF_PARMS, &parameters, sizeof(parameters));
  // To the byte, where `buffer` has only 64 ns steps.
  message.PutU32(TCA_TBF_BURST, tbf.max_size);
  if (tbf.rate >= kRate32Limit) message.PutU64(TCA_TBF_RATE64, tbf.rate);
  message.EndNest(options);
  return message;
}

HtbClassState DecodeHtbClass(const nlmsghdr* message) {
  const auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
  HtbClassState state;
  state.htb.id = tc->tcm_handle;
  state.htb.parent = tc->tcm_parent;
  state.leaf = tc->tcm_info;
  tc_htb_opt parameters{};
  uint64_t rate64 = 0;
  uint64_t peak64 = 0;
  ForEachAttribute(message, sizeof(tcmsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == TCA_STATS2) state.stats = DecodeStats(a);
    if (mnl_attr_get_type(a) != TCA_OPTIONS) return;
    ForEachAttribute(a, [&](const nlattr* b) {
      if (mnl_attr_get_type(b) == TCA_HTB_PARMS) parameters = AttributeAs<tc_htb_opt>(b);
      if (mnl_attr_get_type(b) == TCA_HTB_RATE64) rate64 = AttributeAs<uint64_t>(b);
      if (mnl_attr_get_type(b) == TCA_HTB_CEIL64) peak64 = AttributeAs<uint64_t>(b);
    });
  });
  state.htb.rate = rate64 != 0 ? rate64 : parameters.rate.rate;
  state.htb.burst = BytesOfPsTicks(parameters.buffer, state.htb.rate);
  state.htb.peak = peak64 != 0 ? peak64 : parameters.ceil.rate;
  state.htb.peak_burst = BytesOfPsTicks(parameters.cbuffer, state.htb.peak);
  state.htb.quantum = parameters.quantum;
  state.htb.overhead = parameters.rate.overhead;
  return state;
}

Qdisc DecodeQdisc(const nlmsghdr* message) {
  const auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(message));
  Qdisc qdisc;
  qdisc.handle = tc->tcm_handle;
  qdisc.parent = tc->tcm_parent;
  const nlattr* options = nullptr;
  ForEachAttribute(message, sizeof(tcmsg), [&](const nlattr* a) {
    if (mnl_attr_get_type(a) == TCA_KIND) qdisc.kind = AttributeText(a);
    if (mnl_attr_get_type(a) == TCA_STATS2) qdisc.stats = DecodeStats(a);
    if (mnl_attr_get_type(a) == TCA_OPTIONS) options = a;
  });
  if (options != nullptr) DecodeOptions(options, qdisc);
  return qdisc;
}

absl::StatusOr<std::unique_ptr<RtnetlinkTrafficControl>> RtnetlinkTrafficControl::Open() {
  SLUICE_ASSIGN_OR_RETURN(auto socket, NetlinkSocket::Open(NETLINK_ROUTE));
  return std::unique_ptr<RtnetlinkTrafficControl>(new RtnetlinkTrafficControl(std::move(socket)));
}

absl::Status RtnetlinkTrafficControl::ReplaceHtb(int device, uint32_t handle,
                                                 uint32_t default_minor) {
  // HTB cannot be changed in place.
  SLUICE_ASSIGN_OR_RETURN(std::vector<Qdisc> have, Qdiscs(device));
  for (const Qdisc& q : have) {
    if (q.parent != kTcRoot || q.handle != handle) continue;
    if (q.kind == "htb" && q.default_class == default_minor) return absl::OkStatus();
    SLUICE_RETURN_IF_ERROR(DeleteQdisc(device, kTcRoot));
  }
  NetlinkMessage message = ReplaceQdisc(device, kTcRoot, handle, "htb");
  tc_htb_glob global{};
  global.version = TC_HTB_PROTOVER;
  global.rate2quantum = 10;  // the kernel's default; every class names its quantum
  global.defcls = default_minor;
  nlattr* options = message.BeginNest(TCA_OPTIONS);
  message.PutBytes(TCA_HTB_INIT, &global, sizeof(global));
  message.EndNest(options);
  return socket_->Transact(message, Putting("htb", kTcRoot));
}

absl::Status RtnetlinkTrafficControl::ReplaceHtbClass(int device, const HtbClass& htb) {
  NetlinkMessage message = EncodeHtbClass(device, htb);
  return socket_->Transact(message, StrCat("putting HTB class ", Show(htb.id)));
}

absl::Status RtnetlinkTrafficControl::ReplaceTbf(int device, uint32_t parent, uint32_t handle,
                                                 const TbfParameters& tbf) {
  NetlinkMessage message = EncodeTbf(device, parent, handle, tbf);
  return socket_->Transact(message, Putting("tbf", parent));
}

absl::Status RtnetlinkTrafficControl::ReplaceBfifo(int device, uint32_t parent, uint32_t handle,
                                                   uint32_t limit_bytes) {
  NetlinkMessage message = ReplaceQdisc(device, parent, handle, "bfifo");
  const tc_fifo_qopt parameters{limit_bytes};
  message.PutBytes(TCA_OPTIONS, &parameters, sizeof(parameters));
  return socket_->Transact(message, Putting("bfifo", parent));
}

absl::Status RtnetlinkTrafficControl::ReplaceBlackhole(int device, uint32_t parent,
                                                       uint32_t handle) {
  NetlinkMessage message = ReplaceQdisc(device, parent, handle, "blackhole");
  return socket_->Transact(message, Putting("blackhole", parent));
}

absl::Status RtnetlinkTrafficControl::ReplaceFq(int device, uint32_t parent, uint32_t handle,
                                                const FqParameters& fq) {
  NetlinkMessage message = ReplaceQdisc(device, parent, handle, "fq");
  nlattr* options = message.BeginNest(TCA_OPTIONS);
  message.PutU32(TCA_FQ_PLIMIT, fq.limit);
  message.PutU32(TCA_FQ_FLOW_PLIMIT, fq.flow_limit);
  message.PutU32(TCA_FQ_RATE_ENABLE, 0);  // the gate's timestamps decide, not a socket's pacing
  message.PutU32(TCA_FQ_HORIZON, fq.horizon_us);
  message.PutU8(TCA_FQ_HORIZON_DROP, 1);
  message.EndNest(options);
  return socket_->Transact(message, Putting("fq", parent));
}

absl::Status RtnetlinkTrafficControl::DeleteQdisc(int device, uint32_t parent) {
  NetlinkMessage message = TcMessage(RTM_DELQDISC, 0, device, parent, 0);
  absl::Status status = socket_->Transact(message, StrCat("deleting the queue of ", Show(parent)));
  if (status.ok() || absl::IsNotFound(status)) return absl::OkStatus();
  // EINVAL and ENOENT both can mean "none": the default discipline is no object of its own.
  SLUICE_ASSIGN_OR_RETURN(std::vector<Qdisc> left, Qdiscs(device));
  for (const Qdisc& q : left) {
    if (q.parent == parent && q.handle != 0) return status;
  }
  return absl::OkStatus();
}

absl::Status RtnetlinkTrafficControl::DeleteClass(int device, uint32_t id) {
  NetlinkMessage message = TcMessage(RTM_DELTCLASS, 0, device, 0, id);
  absl::Status status = socket_->Transact(message, StrCat("deleting class ", Show(id)));
  return absl::IsNotFound(status) ? absl::OkStatus() : status;
}

absl::StatusOr<std::vector<Qdisc>> RtnetlinkTrafficControl::Qdiscs(int device) {
  NetlinkMessage message = TcMessage(RTM_GETQDISC, NLM_F_DUMP, device, 0, 0);
  std::vector<Qdisc> result;
  SLUICE_RETURN_IF_ERROR(
      socket_->Query(message, "listing queueing disciplines", [&](const nlmsghdr* reply) {
        const auto* tc = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(reply));
        if (tc->tcm_ifindex == device) result.push_back(DecodeQdisc(reply));
      }));
  return result;
}

absl::StatusOr<std::vector<HtbClassState>> RtnetlinkTrafficControl::HtbClasses(int device) {
  NetlinkMessage message = TcMessage(RTM_GETTCLASS, NLM_F_DUMP, device, 0, 0);
  std::vector<HtbClassState> result;
  SLUICE_RETURN_IF_ERROR(socket_->Query(message, "listing HTB classes", [&](const nlmsghdr* reply) {
    bool htb = false;
    ForEachAttribute(reply, sizeof(tcmsg), [&](const nlattr* a) {
      if (mnl_attr_get_type(a) == TCA_KIND) htb = AttributeText(a) == "htb";
    });
    if (htb) result.push_back(DecodeHtbClass(reply));
  }));
  return result;
}

}  // namespace sluice
