// The thin layer over libbpf, where the datapath's tests do not reach it.
#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "os/bpf/bpf_map.h"
#include "os/bpf/bpf_object.h"
#include "os/bpf/tc_attachment.h"

namespace sluice {
namespace {

class BpfTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "bpf(2) needs root";
  }
  static BpfFd Array(uint32_t value_size, uint32_t entries, uint32_t flags) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = flags);
    return BpfFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "test", 4, value_size, entries, &options));
  }
};

TEST_F(BpfTest, ArraysAreSharedMemory) {
  const BpfFd fd = Array(16, 1000, BPF_F_MMAPABLE);
  ASSERT_GE(fd.get(), 0);
  auto array = BpfArray::Map(fd.get(), 16);
  ASSERT_TRUE(array.ok()) << array.status();
  struct Element {
    uint64_t a, b;
  };
  EXPECT_EQ(array->size(), 1000u);
  array->At<Element>(999).b = 5;
  const uint32_t index = 999;
  Element seen{};
  ASSERT_EQ(bpf_map_lookup_elem(fd.get(), &index, &seen), 0);
  EXPECT_EQ(seen.b, 5u);
  BpfArray moved = std::move(*array);
  EXPECT_EQ(moved.At<Element>(999).b, 5u);
}

TEST_F(BpfTest, WhatCannotBeMappedIsAnError) {
  EXPECT_FALSE(BpfArray::Map(Array(16, 10, 0).get(), 16).ok()) << "not mmap-able";
  EXPECT_TRUE(
      absl::IsFailedPrecondition(BpfArray::Map(Array(16, 10, BPF_F_MMAPABLE).get(), 24).status()))
      << "another element size";
  EXPECT_FALSE(BpfArray::Map(-1, 16).ok());
}

TEST_F(BpfTest, HashElements) {
  const BpfFd fd(bpf_map_create(BPF_MAP_TYPE_HASH, "test", 4, 8, 2, nullptr));
  for (const uint32_t key : {1u, 2u}) {
    const uint64_t value = key * 10;
    ASSERT_TRUE(PutElement(fd.get(), &key, &value).ok());
  }
  const uint32_t three = 3;
  const uint64_t value = 1;
  EXPECT_FALSE(PutElement(fd.get(), &three, &value).ok()) << "full";
  EXPECT_TRUE(DeleteElement(fd.get(), &three).ok()) << "not there";
  const auto all = AllElements<uint32_t, uint64_t>(fd.get());
  ASSERT_TRUE(all.ok()) << all.status();
  ASSERT_EQ(all->size(), 2u);
  for (const auto& [key, found] : *all) EXPECT_EQ(found, key * 10u);
}

TEST_F(BpfTest, ObjectsThatAreNoneAreRefused) {
  const auto object = BpfObject::Load("not an ELF file", {});
  ASSERT_FALSE(object.ok());
  EXPECT_NE(std::string(object.status().message()).find("embedded BPF object"), std::string::npos);
}

TEST_F(BpfTest, PinsNeedABpfFileSystem) {
  const absl::Status status = PreparePinDirectory("/tmp/sluice-no-bpffs/x");
  EXPECT_TRUE(absl::IsFailedPrecondition(status));
  EXPECT_NE(std::string(status.message()).find("mount -t bpf"), std::string::npos);
  EXPECT_TRUE(absl::IsNotFound(OpenPin("/tmp/sluice-no-bpffs/x").status()));
  EXPECT_TRUE(Unpin("/tmp/sluice-no-bpffs/x").ok());
}

TEST_F(BpfTest, DevicesThatAreNotThere) {
  EXPECT_TRUE(absl::IsNotFound(AttachTc("sluice-none", TcDirection::kIngress, -1)));
  EXPECT_TRUE(absl::IsNotFound(AttachedProgramId("lo", TcDirection::kEgress).status()));
  EXPECT_TRUE(DetachTc("sluice-none", TcDirection::kEgress, "gate").ok());
  EXPECT_TRUE(RemoveClsact("sluice-none").ok());
}

}  // namespace
}  // namespace sluice
