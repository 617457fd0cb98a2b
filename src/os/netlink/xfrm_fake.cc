#include "os/netlink/xfrm_fake.h"

#include <algorithm>

#include "base/status.h"
#include "base/strings.h"

namespace sluice {
namespace {

bool SameSa(const XfrmSa& a, const XfrmSa& b) {
  return a.spi == b.spi && a.destination == b.destination;
}

bool SameSelector(const XfrmPolicy& a, const XfrmPolicy& b) {
  return a.if_id == b.if_id && a.direction == b.direction && a.source == b.source &&
         a.destination == b.destination;
}

}  // namespace

absl::Status XfrmFake::CreateDevice(const std::string& name, uint32_t if_id) {
  SLUICE_RETURN_IF_ERROR(device_status);
  std::erase_if(devices_, [&](const auto& d) { return !routes_.devices().contains(d.first); });
  for (const auto& [other, device] : devices_) {
    if (device.if_id == if_id) return absl::AlreadyExistsError("the number is taken");
  }
  if (routes_.devices().contains(name)) return absl::AlreadyExistsError("the name is taken");
  routes_.AddDevice(name, "xfrm");
  devices_[name] = {if_id, ""};
  return absl::OkStatus();
}

absl::StatusOr<XfrmDevice> XfrmFake::Device(const std::string& name) {
  SLUICE_RETURN_IF_ERROR(routes_.Device(name).status());
  const auto it = devices_.find(name);
  if (it != devices_.end()) return it->second;
  return absl::FailedPreconditionError(StrCat(name, " is not an xfrm interface"));
}

absl::Status XfrmFake::SetAlias(const std::string& name, const std::string& alias) {
  SLUICE_RETURN_IF_ERROR(routes_.Device(name).status());
  devices_[name].alias = alias;
  return absl::OkStatus();
}

XfrmSaState* XfrmFake::Find(uint32_t spi) {
  const auto it = std::ranges::find_if(sas, [&](const auto& s) { return s.sa.spi == spi; });
  return it == sas.end() ? nullptr : &*it;
}

absl::Status XfrmFake::AddSa(const XfrmSa& sa, const XfrmKey& key) {
  SLUICE_RETURN_IF_ERROR(sa_status);
  if (std::ranges::any_of(sas, [&](const auto& s) { return SameSa(s.sa, sa); })) {
    return absl::AlreadyExistsError("there is such an SA");
  }
  XfrmSaState state;
  state.sa = sa;
  state.added = absl::FromUnixSeconds(absl::ToUnixSeconds(clock_.WallNow()));
  state.replay_window = 4096;
  state.extended = true;
  sas.push_back(state);
  keys[sa.spi] = key;
  log.push_back(StrCat("add ", sa.spi));
  return absl::OkStatus();
}

absl::Status XfrmFake::UpdateSa(const XfrmSa& sa) {
  for (XfrmSaState& state : sas) {
    if (!SameSa(state.sa, sa)) continue;
    log.push_back(StrCat("update ", sa.spi));
    if (ignores_updates) return absl::OkStatus();
    state.sa.limits = sa.limits;
    if (sa.mark != 0) state.sa.mark = sa.mark;
    return absl::OkStatus();
  }
  return absl::NotFoundError("there is no such SA");
}

absl::Status XfrmFake::DeleteSa(const XfrmSa& sa) {
  if (ignores_deletes) return absl::OkStatus();
  if (std::erase_if(sas, [&](const auto& s) { return SameSa(s.sa, sa); }) > 0) {
    log.push_back(StrCat("delete ", sa.spi));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<XfrmSaState>> XfrmFake::Sas(uint32_t if_id) {
  std::vector<XfrmSaState> found;
  std::ranges::copy_if(sas, std::back_inserter(found),
                       [&](const auto& s) { return s.sa.if_id == if_id; });
  return found;
}

absl::Status XfrmFake::SetPolicy(const XfrmPolicy& policy) {
  SLUICE_RETURN_IF_ERROR(policy_status);
  std::erase_if(policies, [&](const auto& p) { return SameSelector(p, policy); });
  policies.push_back(policy);
  if (policy.direction == XfrmDirection::kOut) log.push_back(StrCat("send ", policy.spi));
  return absl::OkStatus();
}

absl::Status XfrmFake::DeletePolicy(const XfrmPolicy& policy) {
  if (ignores_deletes) return absl::OkStatus();
  std::erase_if(policies, [&](const auto& p) { return SameSelector(p, policy); });
  return absl::OkStatus();
}

absl::StatusOr<std::vector<XfrmPolicy>> XfrmFake::Policies(uint32_t if_id) {
  std::vector<XfrmPolicy> found;
  std::ranges::copy_if(policies, std::back_inserter(found),
                       [&](const auto& p) { return p.if_id == if_id; });
  return found;
}

}  // namespace sluice
