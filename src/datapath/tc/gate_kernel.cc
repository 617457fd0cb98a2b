#include "datapath/tc/gate_kernel.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "base/status.h"
#include "base/strings.h"
#include "bpf/gate_object.h"
#include "datapath/gate_words.h"

namespace sluice {
namespace {

struct MapShape {
  const char* name;
  uint32_t type;
  uint32_t key_size;
  uint32_t value_size;
  uint32_t max_entries;
};

// "config" is pinned last and unpinned first: where it is, the others are too.
constexpr MapShape kPinnedMaps[] = {
    {"slots", BPF_MAP_TYPE_ARRAY, 4, sizeof(sluice_slot), SLUICE_MAX_SLOTS},
    {"drops", BPF_MAP_TYPE_ARRAY, 4, sizeof(sluice_drops), SLUICE_MAX_SLOTS},
    {"names", BPF_MAP_TYPE_ARRAY, 4, sizeof(sluice_name), SLUICE_MAX_SLOTS},
    {"routes", BPF_MAP_TYPE_LPM_TRIE, sizeof(sluice_route_key), 4, SLUICE_MAX_ROUTES},
    {"fabric", BPF_MAP_TYPE_PERCPU_HASH, 4, sizeof(sluice_fabric), SLUICE_MAX_FABRIC_PORTS},
    {"config", BPF_MAP_TYPE_ARRAY, 4, sizeof(sluice_config), 1},
};
constexpr uint64_t kMaxCacheBytes = uint64_t{64} << 20;

std::string MapPin(const std::string& directory, std::string_view name) {
  return StrCat(directory, "/map_", name);
}

std::string ProgramPin(const std::string& directory, std::string_view name) {
  return StrCat(directory, "/prog_", name);
}

bool HasShape(const BpfMapInfo& info, const MapShape& shape) {
  return info.type == shape.type && info.key_size == shape.key_size &&
         info.value_size == shape.value_size && info.max_entries == shape.max_entries;
}

// As many sets per CPU as the ABI names, fewer on machines with very many CPUs.
uint32_t CacheBits(uint32_t cpus) {
  uint32_t bits = SLUICE_CACHE_BITS;
  while (bits > 8 && (uint64_t{cpus} << bits) * sizeof(sluice_cache_set) > kMaxCacheBytes) --bits;
  return bits;
}

}  // namespace

absl::StatusOr<std::unique_ptr<GateKernel>> GateKernel::Load(const Options& options,
                                                             const GateKernel* previous) {
  std::unique_ptr<GateKernel> kernel(new GateKernel);
  kernel->options_ = options;
  if (!options.pin_directory.empty())
    SLUICE_RETURN_IF_ERROR(PreparePinDirectory(options.pin_directory));
  if (previous != nullptr) {
    kernel->taken_over_ = true;
  } else if (!options.pin_directory.empty()) {
    const absl::Status status = kernel->TakeOver();
    if (!status.ok() && !absl::IsNotFound(status) && !absl::IsFailedPrecondition(status))
      return Annotate(status, "taking over the pinned gate");
    if (!status.ok())
      kernel->reason_ = StrCat("all closed, counters from 0: ", ToStd(status.message()));
  }
  if (kernel->taken_over_) kernel->reason_ = "counters and leases taken over";
  SLUICE_RETURN_IF_ERROR(kernel->LoadObject(previous));
  SLUICE_RETURN_IF_ERROR(kernel->MapArrays());
  return kernel;
}

absl::Status GateKernel::TakeOver() {
  std::vector<BpfFd> found;
  for (const MapShape& shape : kPinnedMaps) {
    SLUICE_ASSIGN_OR_RETURN(BpfFd fd, OpenPin(MapPin(options_.pin_directory, shape.name)));
    SLUICE_ASSIGN_OR_RETURN(const BpfMapInfo info, GetMapInfo(fd.get()));
    if (!HasShape(info, shape))
      return absl::FailedPreconditionError(StrCat("pinned map ", shape.name, " has another shape"));
    found.push_back(std::move(fd));
  }
  SLUICE_ASSIGN_OR_RETURN(BpfArray config,
                          BpfArray::Map(found.back().get(), sizeof(sluice_config)));
  const uint64_t layout = LoadWord(config.At<sluice_config>(0).layout);
  if (layout != SLUICE_LAYOUT)
    return absl::FailedPreconditionError(
        StrCat("pinned maps have layout ", layout, ", this agent has ", SLUICE_LAYOUT));
  pinned_ = std::move(found);
  taken_over_ = true;
  return absl::OkStatus();
}

absl::Status GateKernel::LoadObject(const GateKernel* previous) {
  const int cpus = libbpf_num_possible_cpus();
  if (cpus <= 0) return ErrnoStatus(-cpus, "counting the CPUs");
  sluice_constants constants{};
  constants.cache_bits = CacheBits(static_cast<uint32_t>(cpus));
  constants.tunnel_header = options_.tunnel_header;
  BpfObject::Options load;
  load.constants.assign(reinterpret_cast<const char*>(&constants), sizeof(constants));
  load.max_entries["cache"] = static_cast<uint32_t>(cpus) << constants.cache_bits;
  load.max_entries["cache4"] = static_cast<uint32_t>(cpus)
                               << (constants.cache_bits - SLUICE_CACHE4_LESS);
  load.max_entries["ticks"] = static_cast<uint32_t>(cpus);
  for (size_t i = 0; i < pinned_.size(); ++i) load.reuse[kPinnedMaps[i].name] = pinned_[i].get();
  for (const MapShape& shape : kPinnedMaps) {
    if (previous == nullptr) break;
    SLUICE_ASSIGN_OR_RETURN(load.reuse[shape.name], previous->object_->MapFd(shape.name));
  }
  SLUICE_ASSIGN_OR_RETURN(object_, BpfObject::Load(GateObject(), load));
  return absl::OkStatus();
}

absl::Status GateKernel::MapArrays() {
  const auto map = [&](const char* name, size_t size, BpfArray& array) -> absl::Status {
    SLUICE_ASSIGN_OR_RETURN(const int fd, object_->MapFd(name));
    SLUICE_ASSIGN_OR_RETURN(array, BpfArray::Map(fd, size));
    return absl::OkStatus();
  };
  SLUICE_RETURN_IF_ERROR(map("config", sizeof(sluice_config), config_));
  SLUICE_RETURN_IF_ERROR(map("slots", sizeof(sluice_slot), slots_));
  SLUICE_RETURN_IF_ERROR(map("drops", sizeof(sluice_drops), drops_));
  SLUICE_RETURN_IF_ERROR(map("names", sizeof(sluice_name), names_));
  SLUICE_RETURN_IF_ERROR(map("cache4", sizeof(sluice_cache4_set), cache4_));
  SLUICE_ASSIGN_OR_RETURN(routes_fd_, object_->MapFd("routes"));
  SLUICE_ASSIGN_OR_RETURN(fabric_fd_, object_->MapFd("fabric"));
  StoreWord(config().layout, SLUICE_LAYOUT);
  return absl::OkStatus();
}

void GateKernel::NextGeneration() {
  const uint64_t next = LoadWord(config().generation) + 1;
  // Twice in a round: what a CPU writes of an old generation while this clears is gone
  // before that generation's number comes again.
  if (next % (SLUICE_GENERATIONS / 2) == 0) {
    for (uint32_t i = 0; i < cache4_.size(); ++i) {
      for (__u64& way : cache4_.At<sluice_cache4_set>(i).way) StoreWord(way, 0);
    }
  }
  StoreWord(config().generation, next);
}

absl::Status GateKernel::Pin() {
  const std::string& directory = options_.pin_directory;
  if (!VerifyPins().ok()) {
    SLUICE_RETURN_IF_ERROR(Unpin(MapPin(directory, "config")));
    for (const MapShape& shape : kPinnedMaps) {
      SLUICE_ASSIGN_OR_RETURN(const int fd, object_->MapFd(shape.name));
      SLUICE_RETURN_IF_ERROR(sluice::Pin(fd, MapPin(directory, shape.name)));
    }
  }
  for (const char* name : kGatePrograms) {
    SLUICE_ASSIGN_OR_RETURN(const int fd, ProgramFd(name));
    SLUICE_RETURN_IF_ERROR(sluice::Pin(fd, ProgramPin(directory, name)));
  }
  return absl::OkStatus();
}

absl::Status GateKernel::VerifyPins() const {
  for (const MapShape& shape : kPinnedMaps) {
    const std::string path = MapPin(options_.pin_directory, shape.name);
    SLUICE_ASSIGN_OR_RETURN(const BpfFd fd, OpenPin(path));
    SLUICE_ASSIGN_OR_RETURN(const BpfMapInfo pinned, GetMapInfo(fd.get()));
    SLUICE_ASSIGN_OR_RETURN(const int own, object_->MapFd(shape.name));
    SLUICE_ASSIGN_OR_RETURN(const BpfMapInfo used, GetMapInfo(own));
    if (pinned.id != used.id)
      return absl::FailedPreconditionError(StrCat(path, " is not the map that this agent uses"));
  }
  return absl::OkStatus();
}

absl::Status GateKernel::RemovePins(const std::string& directory) {
  SLUICE_RETURN_IF_ERROR(Unpin(MapPin(directory, "config")));
  for (const MapShape& shape : kPinnedMaps)
    SLUICE_RETURN_IF_ERROR(Unpin(MapPin(directory, shape.name)));
  for (const char* name : kGatePrograms) SLUICE_RETURN_IF_ERROR(Unpin(ProgramPin(directory, name)));
  // A directory with something else in it is not ours to remove.
  std::error_code ignored;
  std::filesystem::remove(directory, ignored);
  return absl::OkStatus();
}

}  // namespace sluice
