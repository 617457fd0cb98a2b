// Power that fails at any write of the ledger: what Commit answered OK is there, and of
// what it did not answer all or nothing.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "base/strings.h"
#include "controller/store/power_cut_testing.h"
#include "controller/store/sqlite_store.h"
#include "controller/store/store_samples.h"

namespace sluice {
namespace {

constexpr uint64_t kCommits = 24;
constexpr int kLinks = 30;

// Every record of it says `number`. Large enough that some commits move the log into
// the database, which is when both files change.
Batch Numbered(uint64_t number) {
  Batch batch;
  for (int i = 0; i < kLinks; ++i) {
    LinkRecord& link = batch.links.emplace_back(SampleLink("a1", StrCat("b", i)));
    link.send.sequence = link.receive.sequence = link.recall_upto = link.sequence = number;
    link.send.signed_lease.assign(4'000, static_cast<char>('a' + number % 26));
  }
  return batch;
}

class PowerCutTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-power-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  // Commits until the power fails. Returns the number of the last commit that was answered
  // OK, 0 if there was none; `operations` is what it took.
  uint64_t WriteUntil(uint64_t cut_at, uint64_t seed, uint64_t* operations = nullptr) {
    std::filesystem::remove(path());
    std::filesystem::remove(path() + "-wal");
    PowerCutDisk disk(cut_at, seed);
    uint64_t answered = 0;
    if (auto store = OpenSqliteStore({path()}); store.ok()) {
      opened_ = true;
      while (answered < kCommits && (*store)->Commit(Numbered(answered + 1)).ok()) ++answered;
    }
    if (operations != nullptr) *operations = disk.operations();
    disk.LeaveFiles();
    return answered;
  }
  std::string path() const { return directory_ + "/ledger.db"; }

  std::string directory_;
  bool opened_ = false;
};

TEST_F(PowerCutTest, NothingThatWasAnsweredIsLostAndNothingIsThereInPart) {
  uint64_t operations = 0;
  ASSERT_EQ(WriteUntil(~uint64_t{0}, 1, &operations), kCommits);
  ASSERT_GT(operations, 1'000u);
  std::mt19937_64 random(20261122);
  uint64_t unanswered_found = 0;
  // Few cuts hit the moment between what makes a commit durable and its answer.
  for (int round = 0; round < 80 || (unanswered_found == 0 && round < 800); ++round) {
    const uint64_t cut_at = random() % operations + 1;
    const uint64_t seed = random();
    opened_ = false;
    const uint64_t answered = WriteUntil(cut_at, seed);
    const std::string which = StrCat("cut at ", cut_at, ", seed ", seed);
    auto store = OpenSqliteStore({path()});
    // Before the first start was over there is no ledger that could be lost.
    if (!opened_ && !store.ok()) continue;
    ASSERT_TRUE(store.ok()) << which << ": " << store.status();
    const auto state = (*store)->Load();
    ASSERT_TRUE(state.ok()) << which << ": " << state.status();
    const uint64_t found = state->links.empty() ? 0 : state->links[0].sequence;
    ASSERT_GE(found, answered) << which;
    ASSERT_LE(found, answered + 1) << which;
    unanswered_found += found > answered ? 1 : 0;
    for (const LinkRecord& link : state->links) ASSERT_EQ(link.sequence, found) << which;
  }
  EXPECT_GT(unanswered_found, 0u) << "the cuts come too early in a commit to show anything";
}

}  // namespace
}  // namespace sluice
