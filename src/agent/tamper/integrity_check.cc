#include "agent/tamper/integrity_check.h"

#include <utility>

#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kBootFileLimit = 256;

}  // namespace

IntegrityCheck::IntegrityCheck(Parts parts, std::string boot_file)
    : parts_(std::move(parts)), boot_file_(std::move(boot_file)) {}

IntegrityCheck::Device IntegrityCheck::LookAtDevice() {
  Device device;
  if (const auto there = parts_.routes.Device(parts_.tunnel.device()); there.ok())
    device.index = there->index;
  if (const auto key = parts_.tunnel.public_key(); key.ok()) device.key = *key;
  return device;
}

std::string IntegrityCheck::LookAtBootFile() {
  return parts_.files.Read(boot_file_, kBootFileLimit).value_or("");
}

void IntegrityCheck::Settle() {
  device_ = LookAtDevice();
  boot_ = LookAtBootFile();
}

std::vector<TamperEvent> IntegrityCheck::Look(const absl::Status& gate, BootTime now) {
  std::vector<TamperEvent> events;
  const auto add = [&](std::string source, std::string words) {
    events.push_back({std::move(source), std::move(words), now});
  };
  if (!gate.ok()) add("gate", std::string(gate.message()));
  if (!(LookAtDevice() == device_))
    add("tunnel", StrCat("the device ", parts_.tunnel.device(), " or its key is not ours"));
  if (LookAtBootFile() != boot_)
    add("run directory", StrCat(boot_file_, " was changed; is a second agent running?"));
  if (!parts_.clocks) return events;
  if (auto words = clock_.Check(parts_.clocks())) add("clock", *std::move(words));
  return events;
}

}  // namespace sluice
