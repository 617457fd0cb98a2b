// Disks and kernels that fail, and processes that die in the middle of a call.
#ifndef SLUICE_TESTS_SIM_CRASH_POINTS_H_
#define SLUICE_TESTS_SIM_CRASH_POINTS_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "controller/store/store_fake.h"
#include "datapath/fake/fake_datapath.h"
#include "os/files/files_fake.h"

namespace sluice::sim {

// Thrown out of a call into the world: the process is no more. Whoever catches
// it destroys what the process held and nothing else.
struct ControllerDied {};
struct AgentDied {};

// The controller's disk. What Commit has answered OK is never lost.
class SimStore final : public Store {
 public:
  enum class Crash { kNever, kBeforeWrite, kAfterWrite };

  // Called with every record as it becomes durable.
  using Written = std::function<void(const LinkRecord&)>;
  explicit SimStore(Written written) : written_(std::move(written)) {}

  absl::StatusOr<StoredState> Load() override { return store_.Load(); }
  absl::Status Commit(const Batch& batch) override;

  // The process dies in the next commit.
  void CrashInCommit(Crash crash) { crash_ = crash; }
  // The next commits fail; `written`: their records are durable all the same.
  void FailCommits(int count, bool written);

  const std::map<LinkName, LinkRecord>& links() const { return links_; }
  const std::map<Scope, ScopeRecord>& scopes() const { return scopes_; }
  const std::set<Scope>& stops() const { return stops_; }
  const LinkRecord* Find(const LinkName& link) const;

 private:
  void Note(const Batch& batch);

  FakeStore store_;
  const Written written_;
  std::map<LinkName, LinkRecord> links_;
  std::map<Scope, ScopeRecord> scopes_;
  std::set<Scope> stops_;
  Crash crash_ = Crash::kNever;
  int failures_ = 0;
  bool write_on_failure_ = false;
};

// Counts an agent's calls in halves; the process dies before a call has had its
// effect or after it.
class CallCounter {
 public:
  void DieAt(int64_t half_calls) { left_ = half_calls; }
  void Half() {
    if (left_ > 0 && --left_ == 0) throw AgentDied{};
  }

 private:
  int64_t left_ = 0;
};

class SimFiles final : public Files {
 public:
  SimFiles(FilesFake& files, CallCounter& calls) : files_(files), calls_(calls) {}

  absl::StatusOr<std::string> Read(const std::string& path, size_t limit) override {
    return files_.Read(path, limit);
  }
  absl::Status WriteDurably(const std::string& path, std::string_view data) override {
    return Counted([&] { return files_.WriteDurably(path, data); });
  }
  absl::Status WriteControl(const std::string& path, std::string_view data) override {
    return files_.WriteControl(path, data);
  }
  absl::Status Remove(const std::string& path) override {
    return Counted([&] { return files_.Remove(path); });
  }
  absl::Status MakeDirectory(const std::string& path) override {
    return files_.MakeDirectory(path);
  }
  absl::StatusOr<std::vector<std::string>> List(const std::string& directory) override {
    return files_.List(directory);
  }
  absl::StatusOr<std::unique_ptr<FileLock>> Lock(const std::string& path) override {
    return files_.Lock(path);
  }

 private:
  template <typename Call>
  absl::Status Counted(Call call) {
    calls_.Half();
    const absl::Status status = call();
    calls_.Half();
    return status;
  }
  FilesFake& files_;
  CallCounter& calls_;
};

// One agent process's handle on its node's gate.
class SimDatapath final : public Datapath {
 public:
  // `removed` is called when the gate has been taken away.
  SimDatapath(FakeGate& gate, CallCounter& calls, std::function<void()> removed)
      : fake_(gate), calls_(calls), removed_(std::move(removed)) {}

  FakeDatapath& fake() { return fake_; }
  // Grows with every call that may change a lease at the gate.
  int changes() const { return changes_; }

  absl::StatusOr<Started> Start(const DatapathConfig& config) override {
    return Counted([&] { return fake_.Start(config); });
  }
  absl::Status SetOwnPrefixes(const std::vector<IpPrefix>& prefixes) override {
    return Counted([&] { return fake_.SetOwnPrefixes(prefixes); });
  }
  absl::Status SetRoutes(const std::vector<GateRoute>& routes) override {
    return Counted([&] { return fake_.SetRoutes(routes); });
  }
  absl::Status Apply(const LinkSide& side, const GateLease& lease) override {
    return Counted([&] { return fake_.Apply(side, lease); });
  }
  absl::StatusOr<LinkReport> Close(const LinkSide& side) override {
    return Counted([&] { return fake_.Close(side); });
  }
  absl::StatusOr<Reading> Read() override { return fake_.Read(); }
  absl::StatusOr<std::vector<PortCounts>> ReadFabric() override { return fake_.ReadFabric(); }
  absl::Status SetKillSwitch(bool on) override {
    return Counted([&] { return fake_.SetKillSwitch(on); });
  }
  absl::Status Verify() override { return fake_.Verify(); }
  absl::Status Remove() override {
    return Counted([&] {
      absl::Status status = fake_.Remove();
      if (status.ok()) removed_();
      return status;
    });
  }

 private:
  template <typename Call>
  std::invoke_result_t<Call> Counted(Call call) {
    calls_.Half();
    ++changes_;
    auto result = call();
    calls_.Half();
    return result;
  }
  FakeDatapath fake_;
  CallCounter& calls_;
  const std::function<void()> removed_;
  int changes_ = 0;
};

}  // namespace sluice::sim

#endif  // SLUICE_TESTS_SIM_CRASH_POINTS_H_
