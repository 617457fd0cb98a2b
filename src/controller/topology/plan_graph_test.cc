#include "controller/topology/plan_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/plan_parser.h"

namespace sluice {
namespace {

using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class PlanGraphTest : public ::testing::Test {
 protected:
  void Read(const std::string& text) {
    ParsedPlan parsed = ParsePlan(text);
    ASSERT_THAT(FormatPlanErrors("plan", parsed.errors), IsEmpty());
    graph_ = std::make_unique<PlanGraph>(std::move(parsed.plan));
  }
  int Port(const std::string& node, const std::string& port) const {
    return graph_->FindPort({node, port}).value();
  }
  int Cable(const std::string& node, const std::string& port) const {
    return graph_->ports()[Port(node, port)].cable;
  }
  std::unique_ptr<PlanGraph> graph_;
};

constexpr char kTree[] = R"(graph f {
  a [enclosure=e]; b [enclosure=e]; c [enclosure=w]; d [enclosure=w];
  l1 [role=switch]; l2 [role=switch]; s [role=switch];
  a:p -- l1:a [max_rtt="1us"];
  b:p -- l1:b [max_rtt="2us"];
  c:p -- l2:c [max_rtt="3us"];
  l1:s -- s:1 [max_rtt="10us"];
  l2:s -- s:2 [max_rtt="20us"];
  a:q -- d:q [max_rtt="7us"];
})";

TEST_F(PlanGraphTest, KnowsWhoReachesWhom) {
  ASSERT_NO_FATAL_FAILURE(Read(kTree));
  EXPECT_TRUE(graph_->Reach(Port("a", "p"), Port("c", "p")));
  EXPECT_TRUE(graph_->Reach(Port("a", "q"), Port("d", "q")));
  EXPECT_FALSE(graph_->Reach(Port("a", "q"), Port("c", "p")));
  EXPECT_FALSE(graph_->Reach(Port("a", "p"), Port("a", "p")));
  EXPECT_TRUE(graph_->Direct(Cable("a", "q")));
  EXPECT_FALSE(graph_->Direct(Cable("a", "p")));
}

TEST_F(PlanGraphTest, AddsTheCeilingsOfTheWay) {
  ASSERT_NO_FATAL_FAILURE(Read(kTree));
  const auto near = graph_->WayBetween(Port("a", "p"), Port("b", "p"));
  EXPECT_EQ(near.max_rtt, absl::Microseconds(3));
  EXPECT_THAT(near.cables, UnorderedElementsAre(Cable("a", "p"), Cable("b", "p")));
  const auto far = graph_->WayBetween(Port("c", "p"), Port("a", "p"));
  EXPECT_EQ(far.max_rtt, absl::Microseconds(34));
  EXPECT_THAT(far.cables, UnorderedElementsAre(Cable("a", "p"), Cable("c", "p"), Cable("l1", "s"),
                                               Cable("l2", "s")));
  EXPECT_EQ(graph_->WayBetween(Port("a", "q"), Port("d", "q")).max_rtt, absl::Microseconds(7));
}

TEST_F(PlanGraphTest, KnowsTheSidesOfADividingCable) {
  ASSERT_NO_FATAL_FAILURE(Read(kTree));
  const int cable = Cable("l2", "s");
  EXPECT_TRUE(graph_->Divides(cable));
  EXPECT_NE(graph_->Below(cable, Port("c", "p")), graph_->Below(cable, Port("a", "p")));
  EXPECT_EQ(graph_->Below(cable, Port("a", "p")), graph_->Below(cable, Port("b", "p")));
  EXPECT_THAT(graph_->agents_around(cable),
              UnorderedElementsAre(Port("a", "p"), Port("b", "p"), Port("c", "p")));
}

TEST_F(PlanGraphTest, WhereThereAreSeveralWaysNoneIsCertain) {
  ASSERT_NO_FATAL_FAILURE(Read(R"(graph f {
    a [enclosure=e]; b [enclosure=e];
    l1 [role=switch]; l2 [role=switch]; s1 [role=switch]; s2 [role=switch];
    a:p -- l1:a [max_rtt="1us"];
    b:p -- l2:b [max_rtt="1us"];
    edge [max_rtt="1us"];
    l1:1 -- s1:1; l1:2 -- s2:1; l2:1 -- s1:2; l2:2 -- s2:2;
  })"));
  EXPECT_FALSE(graph_->Divides(Cable("l1", "1")));
  const auto way = graph_->WayBetween(Port("a", "p"), Port("b", "p"));
  EXPECT_THAT(way.cables, UnorderedElementsAre(Cable("a", "p"), Cable("b", "p")));
  EXPECT_EQ(way.max_rtt, absl::InfiniteDuration());
}

TEST_F(PlanGraphTest, TwoCablesBetweenTwoSwitchesDivideNothing) {
  ASSERT_NO_FATAL_FAILURE(Read(R"(graph f {
    a [enclosure=e]; b [enclosure=e]; l1 [role=switch]; l2 [role=switch];
    a:p -- l1:a; b:p -- l2:b; l1:1 -- l2:1; l1:2 -- l2:2;
  })"));
  EXPECT_FALSE(graph_->Divides(Cable("l1", "1")));
  EXPECT_TRUE(graph_->Reach(Port("a", "p"), Port("b", "p")));
}

}  // namespace
}  // namespace sluice
