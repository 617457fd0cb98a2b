#include "os/files/files_fake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(FilesFakeTest, BehavesLikeTheRealOneWhereTestsRelyOnIt) {
  FilesFake files;
  EXPECT_TRUE(absl::IsNotFound(files.Read("/a/b", 10).status()));
  ASSERT_TRUE(files.WriteDurably("/a/b", "12345").ok());
  EXPECT_EQ(files.Read("/a/b", 5).value(), "12345");
  EXPECT_TRUE(absl::IsResourceExhausted(files.Read("/a/b", 4).status()));
  ASSERT_TRUE(files.WriteDurably("/a/c/d", "").ok());
  EXPECT_THAT(files.List("/a").value(), ::testing::ElementsAre("b"));
  EXPECT_TRUE(files.Remove("/none").ok());
  EXPECT_TRUE(absl::IsNotFound(files.WriteControl("/proc/none", "1")));
}

TEST(FilesFakeTest, FailsWritesOnDemandAndChangesNothing) {
  FilesFake files;
  ASSERT_TRUE(files.WriteDurably("/a", "old").ok());
  files.FailWrites(absl::ResourceExhaustedError("no space left on device"));
  EXPECT_TRUE(absl::IsResourceExhausted(files.WriteDurably("/a", "new")));
  EXPECT_TRUE(absl::IsResourceExhausted(files.Remove("/a")));
  EXPECT_EQ(files.Read("/a", 10).value(), "old");
  files.FailWrites(absl::OkStatus());
  EXPECT_TRUE(files.WriteDurably("/a", "new").ok());
}

TEST(FilesFakeTest, LocksExclude) {
  FilesFake files;
  auto lock = files.Lock("/l");
  ASSERT_TRUE(lock.ok());
  EXPECT_TRUE(absl::IsUnavailable(files.Lock("/l").status()));
  lock->reset();
  EXPECT_TRUE(files.Lock("/l").ok());
}

}  // namespace
}  // namespace sluice
