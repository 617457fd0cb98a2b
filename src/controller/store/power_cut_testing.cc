#include "controller/store/power_cut_testing.h"

#include <algorithm>
#include <fstream>
#include <new>

namespace sluice {
namespace {

constexpr size_t kSector = 512;

// SQLite allocates szOsFile bytes: this, and the system's own file behind it.
struct DiskFile {
  sqlite3_file base;
  PowerCutDisk* disk;
  std::string* path;
  sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
};

DiskFile& FileOf(sqlite3_file* file) { return *reinterpret_cast<DiskFile*>(file); }
PowerCutDisk& DiskOf(sqlite3_vfs* vfs) { return *static_cast<PowerCutDisk*>(vfs->pAppData); }

// A call that changes nothing goes to the system's file as it is.
template <auto kMethod, typename... Args>
int Pass(sqlite3_file* file, Args... args) {
  sqlite3_file* real = FileOf(file).real();
  return (real->pMethods->*kMethod)(real, args...);
}

int Close(sqlite3_file* file) {
  const int result = Pass<&sqlite3_io_methods::xClose>(file);
  delete FileOf(file).path;
  return result;
}

int Write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  DiskFile& f = FileOf(file);
  const std::string bytes(static_cast<const char*>(data), static_cast<size_t>(size));
  f.disk->Note(*f.path, {offset, bytes, false});
  if (!f.disk->Proceed()) return SQLITE_IOERR_WRITE;
  return Pass<&sqlite3_io_methods::xWrite>(file, data, size, offset);
}

int Truncate(sqlite3_file* file, sqlite3_int64 size) {
  DiskFile& f = FileOf(file);
  f.disk->Note(*f.path, {size, "", true});
  if (!f.disk->Proceed()) return SQLITE_IOERR_TRUNCATE;
  return Pass<&sqlite3_io_methods::xTruncate>(file, size);
}

int Sync(sqlite3_file* file, int) {
  DiskFile& f = FileOf(file);
  if (!f.disk->Proceed()) return SQLITE_IOERR_FSYNC;
  f.disk->Synced(*f.path);
  return SQLITE_OK;
}

const sqlite3_io_methods& Methods() {
  static const sqlite3_io_methods methods = [] {
    using M = sqlite3_io_methods;
    M m{};
    m.iVersion = 1;  // no shared memory and no mapping: the ledger needs neither
    m.xClose = Close;
    m.xRead = Pass<&M::xRead, void*, int, sqlite3_int64>;
    m.xWrite = Write;
    m.xTruncate = Truncate;
    m.xSync = Sync;
    m.xFileSize = Pass<&M::xFileSize, sqlite3_int64*>;
    m.xLock = Pass<&M::xLock, int>;
    m.xUnlock = Pass<&M::xUnlock, int>;
    m.xCheckReservedLock = Pass<&M::xCheckReservedLock, int*>;
    m.xFileControl = Pass<&M::xFileControl, int, void*>;
    m.xSectorSize = [](sqlite3_file*) { return static_cast<int>(kSector); };
    m.xDeviceCharacteristics = [](sqlite3_file*) { return 0; };
    return m;
  }();
  return methods;
}

int Open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  DiskFile& f = FileOf(file);
  f.base.pMethods = nullptr;
  f.disk = &DiskOf(vfs);
  sqlite3_vfs& real = f.disk->real();
  const int result = real.xOpen(&real, name, f.real(), flags, out_flags);
  if (result != SQLITE_OK) return result;
  f.path = new std::string(name == nullptr ? "" : name);
  f.base.pMethods = &Methods();
  return SQLITE_OK;
}

int Delete(sqlite3_vfs* vfs, const char* name, int) {
  PowerCutDisk& disk = DiskOf(vfs);
  if (!disk.Proceed()) return SQLITE_IOERR_DELETE;
  disk.Deleted(name);
  return disk.real().xDelete(&disk.real(), name, /*syncDir=*/0);
}

}  // namespace

PowerCutDisk::PowerCutDisk(uint64_t cut_at, uint64_t seed)
    : cut_at_(cut_at), random_(seed), real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
  vfs_.pNext = nullptr;
  vfs_.zName = "power-cut";
  vfs_.pAppData = this;
  vfs_.szOsFile = static_cast<int>(sizeof(DiskFile)) + real_->szOsFile;
  vfs_.xOpen = Open;
  vfs_.xDelete = Delete;
  sqlite3_vfs_register(&vfs_, /*makeDflt=*/1);
}

PowerCutDisk::~PowerCutDisk() {
  sqlite3_vfs_unregister(&vfs_);
  sqlite3_vfs_register(real_, /*makeDflt=*/1);
}

bool PowerCutDisk::Proceed() {
  cut_ = cut_ || ++operations_ >= cut_at_;
  return !cut_;
}

void PowerCutDisk::Note(const std::string& path, Change change) {
  if (!cut_) files_[path].unsynced.push_back(std::move(change));
}

void PowerCutDisk::Synced(const std::string& path) {
  File& file = files_[path];
  for (const Change& change : file.unsynced) Apply(change, file.durable);
  file.unsynced.clear();
}

void PowerCutDisk::Apply(const Change& change, std::string& content) {
  const auto offset = static_cast<size_t>(change.offset);
  if (change.truncates) return content.resize(offset);
  content.resize(std::max(content.size(), offset + change.data.size()));
  content.replace(offset, change.data.size(), change.data);
}

std::string PowerCutDisk::AfterCut(const File& file) {
  std::string content = file.durable;
  const uint64_t kept_of_ten = random_() % 11;
  for (const Change& change : file.unsynced) {
    const auto kept = [&] { return random_() % 10 < kept_of_ten; };
    if (change.truncates) {
      if (kept()) Apply(change, content);
      continue;
    }
    for (size_t at = 0; at < change.data.size(); at += kSector) {
      const Change sector{change.offset + static_cast<sqlite3_int64>(at),
                          change.data.substr(at, kSector), false};
      if (kept()) Apply(sector, content);
    }
  }
  return content;
}

void PowerCutDisk::LeaveFiles() {
  for (const auto& [path, file] : files_) {
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << AfterCut(file);
  }
}

}  // namespace sluice
