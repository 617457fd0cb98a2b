#include "apps/controller/state_directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "base/crypto.h"
#include "os/files/files.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class StateDirectoryTest : public testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/sluice-state-XXXXXX";
    ASSERT_NE(mkdtemp(name), nullptr);
    root_ = name;
    path_ = root_ + "/state";
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  absl::StatusOr<ControllerState> Open() { return OpenState(files_, path_); }
  // As a controller that has run once leaves it.
  void RunOnce() {
    auto state = Open();
    ASSERT_TRUE(state.ok()) << state.status();
    Batch batch;
    batch.fleet = FleetRecord{};
    batch.fleet->fleet = "lab";
    ASSERT_TRUE(state->store->Commit(batch).ok());
  }
  void ExpectDataLoss() {
    const absl::Status status = Open().status();
    EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
    EXPECT_THAT(std::string(status.message()), HasSubstr("backup"));
  }
  SystemFiles files_;
  std::string root_;
  std::string path_;
};

TEST_F(StateDirectoryTest, SecretsAreMadeOnceAndKeptPrivate) {
  PublicKey signing;
  std::string token;
  {
    auto state = Open();
    ASSERT_TRUE(state.ok()) << state.status();
    signing = Ed25519PublicKey(state->signing_seed);
    token = state->admin_token;
    EXPECT_GE(token.size(), 32u);
  }
  auto again = Open();
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(Ed25519PublicKey(again->signing_seed), signing);
  EXPECT_EQ(again->admin_token, token);
  for (const char* name : {"signing.seed", "control.key", "admin.token"}) {
    struct stat info {};
    ASSERT_EQ(stat((path_ + "/" + name).c_str(), &info), 0) << name;
    EXPECT_EQ(info.st_mode & 0777, 0600u) << name;
  }
}

TEST_F(StateDirectoryTest, ASecondControllerIsRefused) {
  auto first = Open();
  const absl::Status status = Open().status();
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(status.message()), HasSubstr("another sluice-controller uses " + path_));
}

TEST_F(StateDirectoryTest, AMissingLedgerIsNotMadeAnew) {
  RunOnce();
  std::filesystem::remove(path_ + "/ledger.db");
  ExpectDataLoss();
  EXPECT_FALSE(std::filesystem::exists(path_ + "/ledger.db"));
}

TEST_F(StateDirectoryTest, AMissingOrDamagedKeyIsNotMadeAnew) {
  RunOnce();
  std::filesystem::remove(path_ + "/signing.seed");
  ExpectDataLoss();
  std::ofstream(path_ + "/signing.seed") << "garbage";
  ExpectDataLoss();
}

TEST_F(StateDirectoryTest, AnAdminTokenThatIsTooShortIsRefused) {
  RunOnce();
  std::ofstream(path_ + "/admin.token") << "short\n";
  EXPECT_EQ(Open().status().code(), absl::StatusCode::kFailedPrecondition);
}

TEST_F(StateDirectoryTest, ADirectoryThatCannotBeMadeIsAClearError) {
  std::ofstream(root_ + "/file").flush();
  path_ = root_ + "/file/state";
  const absl::Status status = Open().status();
  EXPECT_FALSE(status.ok());
  EXPECT_THAT(std::string(status.message()), HasSubstr(path_));
}

}  // namespace
}  // namespace sluice
