#include "os/files/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class FilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "sluice-files-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::system(("rm -rf " + root_).c_str()); }

  mode_t ModeOf(const std::string& path) {
    struct stat st {};
    EXPECT_EQ(::stat(path.c_str(), &st), 0);
    return st.st_mode & 07777;
  }

  SystemFiles files_;
  std::string root_;
};

TEST_F(FilesTest, WritesSecretsThatOnlyTheOwnerReads) {
  const std::string path = root_ + "/key";
  ASSERT_TRUE(files_.WriteDurably(path, "one").ok());
  EXPECT_EQ(ModeOf(path), 0600u);
  ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
  ASSERT_TRUE(files_.WriteDurably(path, "two").ok());
  EXPECT_EQ(ModeOf(path), 0600u);
  EXPECT_EQ(files_.Read(path, 100).value(), "two");
}

TEST_F(FilesTest, LeavesNoTemporaryBehindAndKeepsTheOldOnFailure) {
  const std::string path = root_ + "/directory";
  ASSERT_TRUE(files_.MakeDirectory(path + "/inner").ok());
  // A directory cannot be replaced by a file: the rename fails.
  EXPECT_FALSE(files_.WriteDurably(path, "data").ok());
  EXPECT_THAT(files_.List(root_).value(), IsEmpty());
  EXPECT_NE(::access((path + ".sluice-tmp").c_str(), F_OK), 0);
}

TEST_F(FilesTest, WillNotFollowALinkPlantedAsTheTemporary) {
  const std::string victim = root_ + "/victim";
  ASSERT_TRUE(files_.WriteDurably(victim, "untouched").ok());
  ASSERT_EQ(::symlink(victim.c_str(), (root_ + "/key.sluice-tmp").c_str()), 0);
  EXPECT_FALSE(files_.WriteDurably(root_ + "/key", "secret").ok());
  EXPECT_EQ(files_.Read(victim, 100).value(), "untouched");
}

TEST_F(FilesTest, ReadsUpToTheLimitAndNoFurther) {
  const std::string path = root_ + "/file";
  ASSERT_TRUE(files_.WriteDurably(path, std::string(5000, 'x')).ok());
  EXPECT_EQ(files_.Read(path, 5000).value().size(), 5000u);
  EXPECT_TRUE(absl::IsResourceExhausted(files_.Read(path, 4999).status()));
  EXPECT_TRUE(absl::IsNotFound(files_.Read(root_ + "/none", 10).status()));
}

TEST_F(FilesTest, EndlessDevicesAreCutShort) {
  EXPECT_TRUE(absl::IsResourceExhausted(files_.Read("/dev/zero", 1 << 16).status()));
}

TEST_F(FilesTest, ControlFilesMustExist) {
  EXPECT_TRUE(absl::IsNotFound(files_.WriteControl(root_ + "/none", "1")));
  EXPECT_NE(::access((root_ + "/none").c_str(), F_OK), 0);
}

TEST_F(FilesTest, MakesParentsAndToleratesThemThere) {
  const std::string path = root_ + "/a/b/c";
  ASSERT_TRUE(files_.MakeDirectory(path).ok());
  ASSERT_TRUE(files_.MakeDirectory(path).ok());
  EXPECT_EQ(ModeOf(path), 0700u);
}

TEST_F(FilesTest, SaysThatAFileIsNoDirectory) {
  ASSERT_TRUE(files_.WriteDurably(root_ + "/file", "x").ok());
  const absl::Status s = files_.MakeDirectory(root_ + "/file");
  EXPECT_FALSE(s.ok());
  EXPECT_THAT(s.message(), HasSubstr("/file"));
  EXPECT_FALSE(files_.MakeDirectory(root_ + "/file/below").ok());
}

TEST_F(FilesTest, ListsRegularFilesOnly) {
  ASSERT_TRUE(files_.WriteDurably(root_ + "/b", "").ok());
  ASSERT_TRUE(files_.WriteDurably(root_ + "/a", "").ok());
  ASSERT_TRUE(files_.WriteDurably(root_ + "/torn.sluice-tmp", "").ok());
  ASSERT_TRUE(files_.MakeDirectory(root_ + "/d").ok());
  EXPECT_THAT(files_.List(root_).value(), ElementsAre("a", "b"));
  EXPECT_THAT(files_.List(root_ + "/none").value(), IsEmpty());
}

TEST_F(FilesTest, RemovingWhatIsNotThereIsOk) {
  ASSERT_TRUE(files_.WriteDurably(root_ + "/a", "").ok());
  EXPECT_TRUE(files_.Remove(root_ + "/a").ok());
  EXPECT_TRUE(files_.Remove(root_ + "/a").ok());
  EXPECT_THAT(files_.List(root_).value(), IsEmpty());
}

TEST_F(FilesTest, ALockIsExclusiveAndEndsWithItsHolder) {
  auto first = files_.Lock(root_ + "/lock");
  ASSERT_TRUE(first.ok());
  EXPECT_TRUE(absl::IsUnavailable(files_.Lock(root_ + "/lock").status()));
  first->reset();
  EXPECT_TRUE(files_.Lock(root_ + "/lock").ok());
}

TEST_F(FilesTest, APrivateFileIsReadOnlyIfNobodyElseMay) {
  SystemFiles files;
  const std::string path = root_ + "/key";
  ASSERT_TRUE(files.WriteDurably(path, "secret").ok());
  EXPECT_EQ(ReadPrivateFile(path, 10).value(), "secret");
  ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
  EXPECT_TRUE(absl::IsPermissionDenied(ReadPrivateFile(path, 10).status()));
  EXPECT_TRUE(absl::IsNotFound(ReadPrivateFile(path + "2", 10).status()));
}

}  // namespace
}  // namespace sluice
