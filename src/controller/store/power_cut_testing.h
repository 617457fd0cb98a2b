// A disk that loses its power: what was written and not synced is there, is not, or is
// there in part. A SQLite VFS over the system's own; for tests, one at a time.
#ifndef SLUICE_CONTROLLER_STORE_POWER_CUT_TESTING_H_
#define SLUICE_CONTROLLER_STORE_POWER_CUT_TESTING_H_

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <vector>

namespace sluice {

// While it lives, every database that SQLite opens is on this disk.
class PowerCutDisk {
 public:
  // The power fails in the `cut_at`-th write, sync, truncation or deletion; from then on
  // all of them fail. `seed` decides what of the unsynced writes is left.
  PowerCutDisk(uint64_t cut_at, uint64_t seed);
  ~PowerCutDisk();
  PowerCutDisk(const PowerCutDisk&) = delete;
  PowerCutDisk& operator=(const PowerCutDisk&) = delete;

  bool is_cut() const { return cut_; }
  uint64_t operations() const { return operations_; }
  // Makes the files under their names what they are after the cut. Only whole sectors are
  // written at once, and unsynced ones in any order (https://sqlite.org/atomiccommit.html).
  void LeaveFiles();

  // The VFS's own calls.
  struct Change {
    sqlite3_int64 offset = 0;
    std::string data;
    bool truncates = false;  // to `offset`
  };
  bool Proceed();
  void Note(const std::string& path, Change change);
  void Synced(const std::string& path);
  void Deleted(const std::string& path) { files_.erase(path); }
  sqlite3_vfs& real() { return *real_; }

 private:
  struct File {
    std::string durable;
    std::vector<Change> unsynced;
  };
  static void Apply(const Change& change, std::string& content);
  std::string AfterCut(const File& file);

  const uint64_t cut_at_;
  std::mt19937_64 random_;
  uint64_t operations_ = 0;
  bool cut_ = false;
  std::map<std::string, File> files_;
  sqlite3_vfs* const real_;
  sqlite3_vfs vfs_{};
};

}  // namespace sluice

#endif  // SLUICE_CONTROLLER_STORE_POWER_CUT_TESTING_H_
