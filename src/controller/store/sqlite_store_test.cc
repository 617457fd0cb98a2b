#include "controller/store/sqlite_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/strings.h"
#include "controller/store/store_samples.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-store-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    path_ = directory_ + "/ledger.db";
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  std::unique_ptr<Store> Open() {
    auto store = OpenSqliteStore({path_});
    EXPECT_TRUE(store.ok()) << store.status();
    return store.ok() ? *std::move(store) : nullptr;
  }
  absl::Status OpenError(bool may_create = true) {
    return OpenSqliteStore({path_, may_create}).status();
  }
  static Batch OneLink(uint64_t spent) {
    Batch batch;
    batch.links = {SampleLink("a1", "b1")};
    batch.links[0].account.spent = Bytes{spent};
    return batch;
  }
  void WriteLedger() { ASSERT_TRUE(Open()->Commit(OneLink(1)).ok()); }
  // Changes the file behind the store's back.
  void Sql(const std::string& sql) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }
  absl::Status LoadError() { return Open()->Load().status(); }

  std::string directory_;
  std::string path_;
};

TEST_F(SqliteStoreTest, ASecondControllerIsRefusedWhileTheFirstLives) {
  auto first = Open();
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another sluice-controller uses " + path_));
  ASSERT_TRUE(first->Commit(OneLink(1)).ok());
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kFailedPrecondition);
  first.reset();
  EXPECT_TRUE(OpenError().ok());
}

TEST_F(SqliteStoreTest, WhatWasCommittedSurvivesAKill) {
  const pid_t child = fork();
  if (child == 0) {
    auto store = OpenSqliteStore({path_});
    for (uint64_t i = 1; i <= 50 && store.ok(); ++i) (void)(*store)->Commit(OneLink(i));
    _exit(0);  // no destructor runs: the log is as a kill leaves it
  }
  int result = 0;
  ASSERT_EQ(waitpid(child, &result, 0), child);
  auto state = Open()->Load();
  ASSERT_TRUE(state.ok()) << state.status();
  ASSERT_EQ(state->links.size(), 1u);
  EXPECT_EQ(state->links[0].account.spent, Bytes{50});
}

TEST_F(SqliteStoreTest, DamageIsReportedAndTheFileIsLeftAsItIs) {
  WriteLedger();
  {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096);
    file << std::string(12'000, 'x');
  }
  const auto size = std::filesystem::file_size(path_);
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
  EXPECT_EQ(std::filesystem::file_size(path_), size);
}

TEST_F(SqliteStoreTest, ATruncatedFileIsDamaged) {
  WriteLedger();
  std::filesystem::resize_file(path_, 5'000);
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, GarbageIsNoLedger) {
  std::ofstream(path_) << std::string(8'192, 'g');
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kDataLoss);
}

TEST_F(SqliteStoreTest, AMissingOrEmptyLedgerIsNotMadeAnewWhereThereWasOne) {
  EXPECT_EQ(OpenError(/*may_create=*/false).code(), absl::StatusCode::kDataLoss);
  EXPECT_FALSE(std::filesystem::exists(path_));
  std::ofstream(path_).flush();
  EXPECT_EQ(OpenError(/*may_create=*/false).code(), absl::StatusCode::kDataLoss);
  EXPECT_TRUE(OpenError(/*may_create=*/true).ok());
}

TEST_F(SqliteStoreTest, ForeignAndNewerDatabasesAreRefused) {
  Sql("CREATE TABLE t (x)");
  EXPECT_EQ(OpenError().code(), absl::StatusCode::kFailedPrecondition);
  std::filesystem::remove(path_);
  WriteLedger();
  Sql("PRAGMA user_version = 99");
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("version 99"));
}

TEST_F(SqliteStoreTest, ALedgerOfVersion2IsBroughtUp) {
  NodeRecord node = SampleNode("a1", 1);
  Batch batch;
  batch.nodes = {node};
  ASSERT_TRUE(Open()->Commit(batch).ok());
  for (const char* column :
       {"tamper_id", "tamper_source", "tamper_words", "tampered_at", "readmitted_id"})
    Sql(std::string("ALTER TABLE nodes DROP COLUMN ") + column);
  Sql("DROP TABLE stops; DROP TABLE events; DROP TABLE plans; DROP TABLE wiring_policies");
  Sql("PRAGMA user_version = 2");
  auto store = Open();
  node.tamper_id.reset();
  node.tamper_source = node.tamper_words = node.tampered_at = "";
  node.readmitted_id.reset();
  EXPECT_EQ(store->Load()->nodes.front(), node);
  batch.nodes = {SampleNode("a1", 1)};
  ASSERT_TRUE(store->Commit(batch).ok());
  store.reset();
  EXPECT_EQ(Open()->Load()->nodes, batch.nodes);
}

TEST_F(SqliteStoreTest, ALedgerOfVersion4IsBroughtUp) {
  Batch batch;
  batch.events = {{.id = 1, .kind = "silent"}};
  ASSERT_TRUE(Open()->Commit(batch).ok());
  Sql("DROP TABLE plans; DROP TABLE wiring_policies; PRAGMA user_version = 4");
  auto store = Open();
  EXPECT_EQ(store->Load()->events, batch.events);
  Batch next;
  next.plans = {SamplePlan(1)};
  ASSERT_TRUE(store->Commit(next).ok());
  EXPECT_EQ(store->Load()->plans, next.plans);
}

TEST_F(SqliteStoreTest, AMissingDirectoryIsAClearError) {
  path_ = directory_ + "/none/ledger.db";
  const absl::Status status = OpenError();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_THAT(std::string(status.message()), HasSubstr("check that the directory exists"));
}

TEST_F(SqliteStoreTest, AFullDiskRefusesTheBatchAndLosesNothing) {
  WriteLedger();
  SqliteStoreOptions options{path_};
  options.max_bytes = 64 << 10;
  auto store = OpenSqliteStore(options);
  ASSERT_TRUE(store.ok()) << store.status();
  Batch huge = OneLink(2);
  for (int i = 0; i < 1'000; ++i) huge.links.push_back(SampleLink("a1", "n" + std::to_string(i)));
  EXPECT_EQ((*store)->Commit(huge).code(), absl::StatusCode::kResourceExhausted);
  auto state = (*store)->Load();
  ASSERT_TRUE(state.ok());
  ASSERT_EQ(state->links.size(), 1u);
  EXPECT_EQ(state->links[0].account.spent, Bytes{1});
  EXPECT_TRUE((*store)->Commit(OneLink(3)).ok());
}

TEST_F(SqliteStoreTest, AValueThatDoesNotFitRefusesTheBatch) {
  auto store = Open();
  Batch batch = OneLink(~uint64_t{0});
  EXPECT_EQ(store->Commit(batch).code(), absl::StatusCode::kInvalidArgument);
  batch = OneLink(1);
  batch.links[0].recall_upto = batch.links[0].sequence + 1;
  EXPECT_EQ(store->Commit(batch).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_TRUE(store->Load()->links.empty());
}

TEST_F(SqliteStoreTest, TwoNodesCannotHoldOneControlKey) {
  auto store = Open();
  Batch batch;
  batch.nodes = {SampleNode("a1", 1)};
  ASSERT_TRUE(store->Commit(batch).ok());
  batch.nodes = {SampleNode("a2", 2)};
  batch.nodes[0].control_key = SampleNode("a1", 1).control_key;
  EXPECT_EQ(store->Commit(batch).code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(store->Load()->nodes.front().name, "a1");
}

TEST_F(SqliteStoreTest, RowsThatWeWouldNotWriteAreDataLoss) {
  const std::string changes[] = {
      "UPDATE links SET src = 'no such name!'",
      "UPDATE links SET quota_rate = 1",
      "UPDATE links SET quota_volume = -5",
      "UPDATE links SET quota_lifetime = 1",
      "UPDATE links SET dst = src",
  };
  for (const std::string& change : changes) {
    SCOPED_TRACE(change);
    std::filesystem::remove(path_);
    WriteLedger();
    Sql(change);
    const absl::Status status = LoadError();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("links"));
  }
}

}  // namespace
}  // namespace sluice
