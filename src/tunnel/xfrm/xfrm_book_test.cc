#include "tunnel/xfrm/xfrm_book.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace sluice {
namespace {

XfrmBook TestBook() {
  XfrmBook book;
  book.if_id = 9;
  book.id.fill(0x22);
  PublicKey key;
  key.fill(0x33);
  book.peers[key] = {77,
                     *ParseEndpoint("192.0.2.2:4500"),
                     *ParseIpAddress("192.0.2.1"),
                     5,
                     {{3, 0x301, 0x302}, {5, 0x501, 0x502}}};
  key.fill(0x44);
  book.peers[key] = {
      78, *ParseEndpoint("[2001:db8::2]:1"), *ParseIpAddress("2001:db8::1"), ~uint64_t{0}, {}};
  return book;
}

TEST(XfrmBookTest, ReadsBackWhatItWrites) {
  const auto decoded = DecodeXfrmBook(EncodeXfrmBook(TestBook()));
  ASSERT_TRUE(decoded.ok()) << decoded.status();
  EXPECT_EQ(*decoded, TestBook());
  EXPECT_EQ(*DecodeXfrmBook(EncodeXfrmBook({1, {}, {}})), (XfrmBook{1, {}, {}}));
}

TEST(XfrmBookTest, RefusesAnythingLess) {
  const std::string whole = EncodeXfrmBook(TestBook());
  for (size_t length = 0; length < whole.size(); ++length) {
    const auto part = DecodeXfrmBook(whole.substr(0, length));
    // Lines less are peers less; that the kernel then has more is found elsewhere.
    EXPECT_EQ(part.ok(), part.ok() && whole[length - 1] == '\n') << length;
  }
  for (const char* bad : {"", "\n", "sluice-xfrm-2\n", "sluice-xfrm-1\n0 x\n"}) {
    EXPECT_FALSE(DecodeXfrmBook(bad).ok()) << bad;
  }
}

TEST(XfrmBookTest, RefusesWhatItWouldNotWrite) {
  const std::string whole = EncodeXfrmBook(TestBook());
  const std::string key = ToBase64(std::array<uint8_t, 32>{});
  const std::string peer = StrCat("peer ", key, " 1 192.0.2.3:1 192.0.2.1 7\n");
  EXPECT_TRUE(DecodeXfrmBook(whole + peer).ok());
  for (const std::string& more :
       {peer + peer, std::string("word\n"), std::string("epoch 1 2 x\n"),
        StrCat("peer ", key, " 0 192.0.2.3:1 192.0.2.1 7\n"), peer + "epoch 8 256 257\n",
        peer + "epoch 0 256 257\n", peer + "epoch 5 256 257\nepoch 5 258 259\n"}) {
    EXPECT_FALSE(DecodeXfrmBook(whole + more).ok()) << more;
  }
  EXPECT_FALSE(DecodeXfrmBook("sluice-xfrm-1\n9 " + key + "\nepoch 1 256 257\n").ok());
}

TEST(XfrmBookTest, KnowsItsOwn) {
  const XfrmBook book = TestBook();
  const XfrmBook::Peer& peer = book.peers.begin()->second;
  XfrmSa sa = SendingSa(book, peer, peer.epochs[0]);
  EXPECT_EQ(XfrmOwners(book).Of(sa), &peer);
  EXPECT_EQ(XfrmOwners(book).Of(ReceivingSa(book, peer, peer.epochs[1])), &peer);
  for (const auto& change : std::initializer_list<void (*)(XfrmSa&)>{
           [](XfrmSa& s) { s.spi++; }, [](XfrmSa& s) { s.reqid++; }, [](XfrmSa& s) { s.if_id++; },
           [](XfrmSa& s) { std::swap(s.source, s.destination); }}) {
    XfrmSa other = sa;
    change(other);
    EXPECT_EQ(XfrmOwners(book).Of(other), nullptr);
  }
  XfrmPolicy policy;
  policy.reqid = 77;
  policy.outer_source = peer.local;
  policy.outer_destination = peer.endpoint.address;
  EXPECT_EQ(XfrmOwners(book).Of(policy), &peer);
  policy.direction = XfrmDirection::kIn;
  EXPECT_EQ(XfrmOwners(book).Of(policy), nullptr) << "the wrong way round";
  policy.reqid = 0;
  EXPECT_EQ(XfrmOwners(book).Of(policy), nullptr);
}

}  // namespace
}  // namespace sluice
