// What every store must do, run against each of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <functional>

#include "controller/store/sqlite_store.h"
#include "controller/store/store_fake.h"
#include "controller/store/store_samples.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreContractTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-store-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    directory_ = name;
    Reopen();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  // The state as a process that starts after a crash sees it.
  void Reopen() {
    if (GetParam() == "fake") {
      if (!store_) store_ = std::make_unique<FakeStore>();
      return;
    }
    store_.reset();
    auto store = OpenSqliteStore({directory_ + "/ledger.db"});
    ASSERT_TRUE(store.ok()) << store.status();
    store_ = *std::move(store);
  }
  StoredState Load() {
    auto state = store_->Load();
    EXPECT_TRUE(state.ok()) << state.status();
    return state.ok() ? *state : StoredState{};
  }
  void Commit(const Batch& batch) {
    const absl::Status status = store_->Commit(batch);
    ASSERT_TRUE(status.ok()) << status;
  }
  std::string directory_;
  std::unique_ptr<Store> store_;
};

TEST_P(StoreContractTest, ANewStoreIsEmpty) { EXPECT_EQ(Load(), StoredState{}); }

TEST_P(StoreContractTest, EveryFieldComesBackAfterReopening) {
  Batch batch;
  batch.fleet = SampleFleet();
  batch.nodes = {SampleNode("a1", 1), SampleNode("b1", 2)};
  batch.tokens = {SampleToken(1), SampleToken(2)};
  batch.links = {SampleLink("a1", "b1"), SampleLink("b1", "a1")};
  batch.scopes = {SampleScope(Scope::Fleet()), SampleScope(Scope::Enclosure("east")),
                  SampleScope(Scope::Node("a1"))};
  batch.scopes[1].base = -5;
  batch.stops = {{Scope::Fleet(), "drill"}, {Scope::Node("a1"), "tamper \"light\""}};
  batch.events = {{1, 36, "tampered", Severity::kCritical, Scope::Node("a1"), "the lid's open"},
                  {3, 37, "quota_set", Severity::kInfo, Scope::Link({"a1", "b1"}), ""}};
  batch.plans = {SamplePlan(1), SamplePlan(7)};
  batch.policies = {{Scope::Fleet(), WiringPolicy::kAlert},
                    {Scope::Link({"a1", "b1"}), WiringPolicy::kEnforce}};
  Commit(batch);
  Reopen();
  const StoredState state = Load();
  EXPECT_EQ(state.fleet, *batch.fleet);
  EXPECT_EQ(state.nodes, batch.nodes);
  EXPECT_EQ(state.tokens, batch.tokens);
  EXPECT_EQ(state.links, batch.links);
  EXPECT_EQ(state.scopes, batch.scopes);
  EXPECT_EQ(state.stops, batch.stops);
  EXPECT_EQ(state.events, batch.events);
  EXPECT_EQ(state.plans, batch.plans);
  EXPECT_EQ(state.policies, batch.policies);
}

TEST_P(StoreContractTest, AbsentFieldsComeBackAbsent) {
  Batch batch;
  NodeRecord node;
  node.name = "a1";
  node.enclosure = "east";
  node.index = 1;
  batch.nodes = {node};
  LinkRecord link;
  link.link = {"a1", "b1"};
  batch.links = {link};
  Commit(batch);
  Reopen();
  EXPECT_THAT(Load().nodes, ElementsAre(node));
  EXPECT_THAT(Load().links, ElementsAre(link));
}

TEST_P(StoreContractTest, ARecordReplacesTheOneOfItsKey) {
  Batch batch;
  batch.links = {SampleLink("a1", "b1")};
  Commit(batch);
  batch.links[0].account.spent = Bytes{99};
  batch.links[0].quota->window.reset();
  Commit(batch);
  EXPECT_THAT(Load().links, ElementsAre(batch.links[0]));
}

TEST_P(StoreContractTest, DeletedRecordsAreGone) {
  Batch batch;
  batch.nodes = {SampleNode("a1", 1), SampleNode("b1", 2)};
  batch.tokens = {SampleToken(1)};
  batch.scopes = {SampleScope(Scope::Fleet()), SampleScope(Scope::Node("a1"))};
  Commit(batch);
  batch = Batch();
  batch.stops = {{Scope::Fleet(), "drill"}, {Scope::Node("a1"), ""}};
  Commit(batch);
  Batch removal;
  removal.deleted_stops = {Scope::Fleet()};
  removal.deleted_nodes = {"a1"};
  removal.deleted_tokens = {1};
  removal.deleted_scopes = {Scope::Node("a1")};
  Commit(removal);
  Reopen();
  EXPECT_THAT(Load().nodes, ElementsAre(SampleNode("b1", 2)));
  EXPECT_THAT(Load().tokens, IsEmpty());
  EXPECT_THAT(Load().scopes, ElementsAre(SampleScope(Scope::Fleet())));
  EXPECT_THAT(Load().stops, ElementsAre(StopRecord{Scope::Node("a1"), ""}));
}

TEST_P(StoreContractTest, OldEventsAreForgotten) {
  Batch batch;
  for (uint64_t id = 1; id <= 5; ++id) batch.events.push_back({.id = id, .kind = "silent"});
  Commit(batch);
  Batch next;
  next.events = {{.id = 6, .kind = "silent"}};
  next.deleted_events = {1, 2, 3, 4, 99};
  Commit(next);
  Reopen();
  EXPECT_THAT(Load().events, ElementsAre(batch.events[4], next.events[0]));
}

TEST_P(StoreContractTest, OldPlansAndPoliciesAreForgotten) {
  Batch batch;
  batch.plans = {SamplePlan(1), SamplePlan(2)};
  batch.policies = {{Scope::Fleet(), WiringPolicy::kAlert}, {Scope::Node("a1"), {}}};
  Commit(batch);
  Batch next;
  next.deleted_plans = {1, 99};
  next.deleted_policies = {Scope::Node("a1")};
  Commit(next);
  Reopen();
  EXPECT_THAT(Load().plans, ElementsAre(batch.plans[1]));
  EXPECT_THAT(Load().policies, ElementsAre(batch.policies[0]));
}

TEST_P(StoreContractTest, ABatchMayHoldManyRecords) {
  Batch batch;
  for (int i = 0; i < 2'000; ++i) batch.links.push_back(SampleLink("a1", "n" + std::to_string(i)));
  Commit(batch);
  Reopen();
  EXPECT_EQ(Load().links.size(), 2'000u);
}

INSTANTIATE_TEST_SUITE_P(Stores, StoreContractTest, testing::Values("fake", "sqlite"),
                         [](const auto& store) { return store.param; });

}  // namespace
}  // namespace sluice
