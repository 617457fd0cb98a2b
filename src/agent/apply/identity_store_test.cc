#include "agent/apply/identity_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/crypto.h"
#include "os/files/files_fake.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;

class IdentityStoreTest : public ::testing::Test {
 protected:
  Enrolment Sample() {
    Enrolment e;
    e.fleet = "f1";
    e.node = "a1";
    e.enclosure = "east";
    e.control_address = ParseIpAddress("fd73:6c75:6963:6500::1:1").value();
    e.lease_key = {1, 2};
    e.controller_key = {3, 4};
    e.endpoint = "controller.example:51819";
    e.controller = ParseEndpoint("[fd73:6c75:6963:6500::1]:7443").value();
    return e;
  }

  FilesFake files_;
  IdentityStore store_{files_, "/state"};
};

TEST_F(IdentityStoreTest, KeysAreMadeOnceAndKept) {
  const auto first = store_.KeysOrNew();
  ASSERT_TRUE(first.ok());
  const auto second = IdentityStore(files_, "/state").KeysOrNew();
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(std::ranges::equal(first->identity.bytes(), second->identity.bytes()));
  EXPECT_TRUE(std::ranges::equal(first->control.bytes(), second->control.bytes()));
  EXPECT_FALSE(std::ranges::equal(first->control.bytes(), first->identity.bytes()));
}

TEST_F(IdentityStoreTest, KeysThatCannotBeKeptAreNotUsed) {
  files_.FailWrites(absl::ResourceExhaustedError("no space left"));
  EXPECT_FALSE(store_.KeysOrNew().ok());
}

TEST_F(IdentityStoreTest, ADamagedKeyIsNotReplacedByANewOne) {
  ASSERT_TRUE(store_.KeysOrNew().ok());
  files_.files["/state/identity.key"] = "AAAA\n";
  EXPECT_TRUE(absl::IsDataLoss(store_.KeysOrNew().status()));
  EXPECT_EQ(files_.files["/state/identity.key"], "AAAA\n");
}

TEST_F(IdentityStoreTest, SaysHowToEnrol) {
  const auto enrolment = store_.Load();
  EXPECT_TRUE(absl::IsNotFound(enrolment.status()));
  EXPECT_THAT(std::string(enrolment.status().message()), HasSubstr("sluice-agent join --token"));
}

TEST_F(IdentityStoreTest, WhatIsSavedIsLoaded) {
  ASSERT_TRUE(store_.Save(Sample()).ok());
  const auto loaded = store_.Load();
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_EQ(loaded->fleet, "f1");
  EXPECT_EQ(loaded->node, "a1");
  EXPECT_EQ(loaded->enclosure, "east");
  EXPECT_EQ(loaded->control_address, Sample().control_address);
  EXPECT_EQ(loaded->lease_key, Sample().lease_key);
  EXPECT_EQ(loaded->controller_key, Sample().controller_key);
  EXPECT_EQ(loaded->endpoint, Sample().endpoint);
  EXPECT_EQ(loaded->controller, Sample().controller);
}

TEST_F(IdentityStoreTest, FleetNamesOfAnyBytesDoNotCrash) {
  Enrolment e = Sample();
  e.fleet = "\xff\xfe";
  EXPECT_TRUE(store_.Save(e).ok());
}

TEST_F(IdentityStoreTest, DamageIsNamedWhateverItIs) {
  ASSERT_TRUE(store_.Save(Sample()).ok());
  const std::string good = files_.files["/state/enrolment.json"];
  const auto damaged = [&](const std::string& text) {
    files_.files["/state/enrolment.json"] = text;
    return store_.Load().status();
  };
  for (const std::string& text :
       {std::string(), good.substr(0, good.size() / 2), std::string("[]"), std::string("{}"),
        std::string(R"({"fleet": 7})"), std::string(R"({"node": null})")}) {
    EXPECT_TRUE(absl::IsDataLoss(damaged(text))) << text;
    EXPECT_THAT(std::string(damaged(text).message()), HasSubstr("enrolment.json is damaged"));
  }
  EXPECT_TRUE(damaged(good).ok());
}

TEST_F(IdentityStoreTest, ErasedMeansNotEnrolledAndNoKeys) {
  ASSERT_TRUE(store_.KeysOrNew().ok());
  ASSERT_TRUE(store_.Save(Sample()).ok());
  ASSERT_TRUE(store_.Erase().ok());
  EXPECT_TRUE(files_.files.empty());
}

}  // namespace
}  // namespace sluice
