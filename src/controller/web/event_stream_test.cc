#include "controller/web/event_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "base/strings.h"
#include "base/system_clock.h"

namespace sluice {
namespace {

const SystemClock kClock;

EventStream::Frame Frame(std::string event) { return {std::move(event), "", 0}; }

TEST(EventStreamTest, ANewWatcherGetsAnEventAtOnce) {
  EventStream stream([] { return Frame("one"); }, absl::Hours(1), 2, kClock);
  auto watcher = stream.Watch();
  EXPECT_EQ(watcher->Next(), "one");
}

TEST(EventStreamTest, EventsComeAgain) {
  std::atomic<int> count = 0;
  EventStream stream([&] { return Frame(StrCat(++count)); }, absl::Milliseconds(1), 2, kClock);
  auto watcher = stream.Watch();
  std::string last;
  for (int i = 0; i < 5; ++i) {
    std::string event = watcher->Next().value();
    EXPECT_NE(event, last);
    last = event;
  }
}

TEST(EventStreamTest, EventsAreAsTheStandardWantsThem) {
  EXPECT_EQ(ServerSentEvent("links", R"({"links":[]})"), "event: links\ndata: {\"links\":[]}\n\n");
  EXPECT_EQ(ServerSentEvent("links", absl::UnavailableError("stopping")),
            "event: unavailable\ndata: "
            "{\"error\":{\"code\":\"unavailable\",\"message\":\"stopping\"}}\n\n");
}

TEST(EventStreamTest, ThePreambleComesFirstAndWhenItChanges) {
  std::atomic<uint64_t> version = 1;
  EventStream stream(
      [&] {
        return EventStream::Frame{"event", StrCat("v", version.load()), version};
      },
      absl::Milliseconds(1), 2, kClock);
  auto watcher = stream.Watch();
  EXPECT_EQ(watcher->Next(), "v1event");
  EXPECT_EQ(watcher->Next(), "event");
  version = 2;
  std::string next;
  while ((next = watcher->Next().value()) == "event") {
  }
  EXPECT_EQ(next, "v2event");
  EXPECT_EQ(watcher->Next(), "event");
}

TEST(EventStreamTest, MayRunWithoutWatchers) {
  std::atomic<int> count = 0;
  EventStream stream([&] { return Frame(StrCat(++count)); }, absl::Milliseconds(1), 1, kClock,
                     EventStream::When::kAlways);
  while (count < 3) std::this_thread::yield();
}

TEST(EventStreamTest, BoundsTheWatchersAndTakesPlacesBack) {
  EventStream stream([] { return Frame("{}"); }, absl::Hours(1), 2, kClock);
  auto one = stream.Watch();
  auto two = stream.Watch();
  EXPECT_EQ(stream.Watch(), nullptr);
  one.reset();
  EXPECT_NE(stream.Watch(), nullptr);
}

TEST(EventStreamTest, NobodyWatchingCostsNothing) {
  std::atomic<int> count = 0;
  EventStream stream([&] { return Frame(StrCat(++count)); }, absl::Milliseconds(1), 2, kClock);
  stream.Watch()->Next();
  EventStream idle([&] { return Frame(StrCat(count += 1'000'000)); }, absl::Microseconds(1), 2,
                   kClock);
  for (int i = 0; i < 20; ++i) stream.Watch()->Next();
  EXPECT_LT(count, 1'000'000);
}

TEST(EventStreamTest, StopEndsAWaitAndAllFurtherOnes) {
  EventStream stream([] { return Frame("{}"); }, absl::Hours(1), 2, kClock);
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
