// Whether this kernel can do it: found by trying.
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "absl/cleanup/cleanup.h"
#include "base/status.h"
#include "base/strings.h"
#include "os/netlink/route_table.h"
#include "os/netlink/xfrm.h"
#include "tunnel/xfrm/xfrm_tunnel.h"

namespace sluice {
namespace {

constexpr size_t kBookLimit = 16 << 20;
constexpr char kKind[] = "xfrm";
constexpr char kWorks[] =
    "the kernel took, showed and gave back an ESP SA with AES-256-GCM and extended sequence "
    "numbers";

uint32_t RandomWord() {
  uint32_t word = 0;
  RandomBytes({reinterpret_cast<uint8_t*>(&word), sizeof(word)});
  return word;
}

absl::Status Missing(std::string_view what, const absl::Status& status) {
  if (absl::IsPermissionDenied(status)) {
    return absl::PermissionDeniedError("may not use IPsec: run as root (CAP_NET_ADMIN)");
  }
  return absl::FailedPreconditionError(StrCat("this kernel has no ", what, ": ", status.message()));
}

absl::StatusOr<uint32_t> CreateDevice(Xfrm& xfrm, RouteTable& routes, const std::string& device) {
  constexpr int kAttempts = 16;  // two numbers in 2^32 are hardly ever the same
  absl::Status status;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const uint32_t if_id = std::max(RandomWord(), 1U);
    status = xfrm.CreateDevice(device, if_id);
    if (status.ok()) return if_id;
    if (!absl::IsAlreadyExists(status) || routes.Device(device).ok()) break;
  }
  if (absl::IsAlreadyExists(status)) return status;
  return Missing("xfrm interfaces", status);
}

// An SA that no policy knows and no packet finds: no peer chooses its SPI.
absl::Status Try(Xfrm& xfrm, uint32_t if_id) {
  XfrmSa sa;
  sa.if_id = if_id;
  sa.source = sa.destination = *ParseIpAddress("127.0.0.1");
  sa.spi = RandomWord() | 0x100;
  sa.reqid = std::max(RandomWord(), 1U);
  XfrmKey key;
  RandomBytes(key.key.mutable_bytes());
  if (absl::Status s = xfrm.AddSa(sa, key); !s.ok()) return Missing("ESP with AES-256-GCM", s);
  const auto shown = xfrm.Sas(if_id);
  SLUICE_RETURN_IF_ERROR(xfrm.DeleteSa(sa));
  SLUICE_RETURN_IF_ERROR(shown.status());
  const auto same = [&](const XfrmSaState& s) { return s.sa.spi == sa.spi && s.extended; };
  if (std::ranges::none_of(*shown, same)) {
    return absl::FailedPreconditionError(
        "this kernel took an SA with extended sequence numbers and shows none");
  }
  SLUICE_ASSIGN_OR_RETURN(const auto left, xfrm.Sas(if_id));
  if (std::ranges::none_of(left, same)) return absl::OkStatus();
  return absl::FailedPreconditionError("this kernel does not delete SAs");
}

}  // namespace

XfrmTunnelFactory::XfrmTunnelFactory(Files& files, std::string directory, const Clock& clock)
    : XfrmTunnelFactory(
          files, std::move(directory), clock,
          {[] { return RtnetlinkRouteTable::Open(); }, [] { return NetlinkXfrm::Open(); }}) {}

XfrmTunnelFactory::XfrmTunnelFactory(Files& files, std::string directory, const Clock& clock,
                                     Openers openers)
    : files_(files),
      directory_(std::move(directory)),
      clock_(clock),
      openers_(std::move(openers)) {}

std::string XfrmTunnelFactory::PathOf(const std::string& device) const {
  return StrCat(directory_, "/", device, ".xfrm");
}

absl::StatusOr<XfrmTunnelFactory::Kernel> XfrmTunnelFactory::OpenKernel() const {
  Kernel kernel;
  SLUICE_ASSIGN_OR_RETURN(kernel.routes, openers_.routes());
  auto xfrm = openers_.xfrm();
  if (!xfrm.ok()) return Missing("IPsec", xfrm.status());
  kernel.xfrm = std::move(*xfrm);
  return kernel;
}

absl::StatusOr<std::string> XfrmTunnelFactory::Probe() {
  SLUICE_ASSIGN_OR_RETURN(const Kernel kernel, OpenKernel());
  const std::string device = StrCat("slp", absl::Hex(RandomWord(), absl::kZeroPad8));
  SLUICE_ASSIGN_OR_RETURN(const uint32_t if_id, CreateDevice(*kernel.xfrm, *kernel.routes, device));
  const absl::Status tried = Try(*kernel.xfrm, if_id);
  SLUICE_RETURN_IF_ERROR(kernel.routes->DeleteDevice(device));
  SLUICE_RETURN_IF_ERROR(tried);
  return std::string(kWorks);
}

absl::StatusOr<TunnelFactory::Opened> XfrmTunnelFactory::Open(const std::string& device) {
  SLUICE_ASSIGN_OR_RETURN(const Kernel kernel, OpenKernel());
  SLUICE_RETURN_IF_ERROR(files_.MakeDirectory(directory_));
  const absl::StatusOr<NetDevice> existing = kernel.routes->Device(device);
  if (existing.ok()) return Adopt(*existing, kernel);
  if (!absl::IsNotFound(existing.status())) return existing.status();
  return Make(device, kernel);
}

absl::StatusOr<TunnelFactory::Opened> XfrmTunnelFactory::Make(const std::string& device,
                                                              const Kernel& kernel) {
  XfrmBook book;
  SLUICE_ASSIGN_OR_RETURN(book.if_id, CreateDevice(*kernel.xfrm, *kernel.routes, device));
  absl::Cleanup undo = [&] { kernel.routes->DeleteDevice(device).IgnoreError(); };
  SLUICE_RETURN_IF_ERROR(Try(*kernel.xfrm, book.if_id));
  RandomBytes(book.id);
  auto tunnel =
      std::make_unique<XfrmTunnel>(device, kWorks, PathOf(device), book,
                                   XfrmTunnel::Parts{kernel.routes, kernel.xfrm, files_, clock_});
  // Also writes the book. The alias comes last: a device that has one is a tunnel.
  SLUICE_RETURN_IF_ERROR(tunnel->Flush());
  SLUICE_RETURN_IF_ERROR(kernel.xfrm->SetAlias(device, ToBase64(book.id)));
  std::move(undo).Cancel();
  return Opened{std::move(tunnel), false};
}

absl::StatusOr<TunnelFactory::Opened> XfrmTunnelFactory::Adopt(const NetDevice& device,
                                                               const Kernel& kernel) {
  if (device.kind != kKind) {
    return absl::FailedPreconditionError(
        StrCat("network device ", device.name, " (", device.kind.empty() ? "physical" : device.kind,
               ") exists and is not an xfrm interface; remove it (ip link delete ", device.name,
               ") or choose another tunnel device"));
  }
  SLUICE_ASSIGN_OR_RETURN(XfrmDevice found, kernel.xfrm->Device(device.name));
  const auto text = files_.Read(PathOf(device.name), kBookLimit);
  auto book = text.ok() ? DecodeXfrmBook(*text) : text.status();
  if (found.alias.empty() && book.ok() && book->if_id == found.if_id) {
    // Whoever made it wrote the book and did not come to the alias.
    found.alias = ToBase64(book->id);
    SLUICE_RETURN_IF_ERROR(kernel.xfrm->SetAlias(device.name, found.alias));
  }
  const auto id = PublicKeyFromBase64(found.alias);
  if (!id.ok()) {
    return absl::FailedPreconditionError(StrCat("xfrm interface ", device.name,
                                                " is not a tunnel of ours; remove it (ip link "
                                                "delete ",
                                                device.name, ") or choose another tunnel device"));
  }
  SLUICE_RETURN_IF_ERROR(Try(*kernel.xfrm, found.if_id));
  const bool good = book.ok() && book->if_id == found.if_id && book->id == *id;
  if (!good) book = XfrmBook{found.if_id, *id, {}};
  auto tunnel =
      std::make_unique<XfrmTunnel>(device.name, kWorks, PathOf(device.name), *book,
                                   XfrmTunnel::Parts{kernel.routes, kernel.xfrm, files_, clock_});
  if (!good) {
    spdlog::warn("what {} kept at {} is lost or of another device: removing its SAs", device.name,
                 PathOf(device.name));
    SLUICE_RETURN_IF_ERROR(tunnel->Flush());
  } else if (const absl::Status s = tunnel->Check(); !s.ok() && !absl::IsFailedPrecondition(s)) {
    return s;
  }
  return Opened{std::move(tunnel), true};
}

}  // namespace sluice
