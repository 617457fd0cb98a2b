#include "token_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

namespace sluice::ctl {
namespace {

using ::testing::HasSubstr;

class TokenFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/sluice-token-test-XXXXXX";
    ASSERT_NE(mkdtemp(pattern), nullptr);
    dir_ = pattern;
    path_ = dir_ + "/token";
  }
  void TearDown() override {
    unlink(path_.c_str());
    rmdir(dir_.c_str());
  }
  void Write(const std::string& content, mode_t mode = 0600) {
    std::ofstream(path_) << content;
    ASSERT_EQ(chmod(path_.c_str(), mode), 0);
  }
  std::string ErrorText() { return std::string(ReadTokenFile(path_).status().message()); }

  std::string dir_;
  std::string path_;
};

TEST_F(TokenFileTest, ReadsATokenWithoutItsNewline) {
  Write("abc123\n");
  EXPECT_EQ(*ReadTokenFile(path_), "abc123");
}

TEST_F(TokenFileTest, RefusesFilesOpenToOthersAndSaysWhatToDo) {
  for (mode_t mode : {0640, 0604, 0620, 0602, 0610, 0601}) {
    Write("abc123\n", mode);
    EXPECT_EQ(ReadTokenFile(path_).status().code(), absl::StatusCode::kFailedPrecondition) << mode;
    EXPECT_THAT(ErrorText(), HasSubstr("chmod 600 " + path_));
  }
}

TEST_F(TokenFileTest, RefusesWhatIsNoToken) {
  for (const char* content : {"", "\n", "two words", "line\nline", "a\x01"}) {
    Write(content);
    EXPECT_EQ(ReadTokenFile(path_).status().code(), absl::StatusCode::kInvalidArgument) << content;
  }
  Write(std::string(1025, 'x'));
  EXPECT_FALSE(ReadTokenFile(path_).ok());
  Write(std::string(1024, 'x'));
  EXPECT_TRUE(ReadTokenFile(path_).ok());
}

TEST_F(TokenFileTest, NamesAMissingFileAndWhereItsNameCameFrom) {
  EXPECT_EQ(ReadTokenFile(path_).status().code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(ErrorText(), HasSubstr(path_));
  EXPECT_THAT(ErrorText(), HasSubstr("--token-file"));
}

TEST_F(TokenFileTest, RefusesWhatIsNoRegularFileWithoutHanging) {
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_THAT(ErrorText(), HasSubstr("not a regular file"));
  EXPECT_FALSE(ReadTokenFile(dir_).ok());
}

}  // namespace
}  // namespace sluice::ctl
