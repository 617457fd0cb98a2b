#include "controller/web/link_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/strings.h"

namespace sluice {
namespace {

TEST(LinkStreamTest, ANewWatcherGetsAnEventAtOnce) {
  LinkStream stream([] { return R"({"links":[]})"; }, absl::Hours(1), 2);
  auto watcher = stream.Watch();
  EXPECT_EQ(watcher->Next(), "event: links\ndata: {\"links\":[]}\n\n");
}

TEST(LinkStreamTest, EventsComeAgain) {
  std::atomic<int> count = 0;
  LinkStream stream([&] { return StrCat(++count); }, absl::Milliseconds(1), 2);
  auto watcher = stream.Watch();
  std::string last;
  for (int i = 0; i < 5; ++i) {
    std::string event = watcher->Next().value();
    EXPECT_NE(event, last);
    last = event;
  }
}

TEST(LinkStreamTest, TellsWhyThereIsNoSnapshot) {
  LinkStream stream([] { return absl::UnavailableError("stopping"); }, absl::Hours(1), 1);
  EXPECT_EQ(stream.Watch()->Next(),
            "event: unavailable\ndata: "
            "{\"error\":{\"code\":\"unavailable\",\"message\":\"stopping\"}}\n\n");
}

TEST(LinkStreamTest, BoundsTheWatchersAndTakesPlacesBack) {
  LinkStream stream([] { return "{}"; }, absl::Hours(1), 2);
  auto one = stream.Watch();
  auto two = stream.Watch();
  EXPECT_EQ(stream.Watch(), nullptr);
  one.reset();
  EXPECT_NE(stream.Watch(), nullptr);
}

TEST(LinkStreamTest, NobodyWatchingCostsNothing) {
  std::atomic<int> count = 0;
  LinkStream stream([&] { return StrCat(++count); }, absl::Milliseconds(1), 2);
  stream.Watch()->Next();
  LinkStream idle([&] { return StrCat(count += 1'000'000); }, absl::Microseconds(1), 2);
  for (int i = 0; i < 20; ++i) stream.Watch()->Next();
  EXPECT_LT(count, 1'000'000);
}

TEST(LinkStreamTest, StopEndsAWaitAndAllFurtherOnes) {
  LinkStream stream([] { return "{}"; }, absl::Hours(1), 2);
  auto watcher = stream.Watch();
  ASSERT_TRUE(watcher->Next().has_value());
  std::thread waiter([&] { EXPECT_EQ(watcher->Next(), std::nullopt); });
  stream.Stop();
  waiter.join();
  EXPECT_EQ(watcher->Next(), std::nullopt);
  EXPECT_EQ(stream.Watch(), nullptr);
  stream.Stop();
}

}  // namespace
}  // namespace sluice
