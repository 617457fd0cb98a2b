#include "model/plan_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/strings.h"

namespace sluice {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using PlanRole = PlanNode::Role;

constexpr std::string_view kNodes = R"(graph {
  a1 [enclosure=east]; b1 [enclosure=west]; leaf1 [role=switch];
)";

// In a graph with the nodes a1, b1 and leaf1: the text is on line 3.
ParsedPlan ParseIn(std::string_view text) { return ParsePlan(StrCat(kNodes, text, "\n}")); }

Plan Good(std::string_view text) {
  ParsedPlan parsed = ParsePlan(text);
  EXPECT_THAT(parsed.errors, IsEmpty()) << FormatPlanErrors("plan.dot", parsed.errors);
  return parsed.plan;
}

TEST(PlanParserTest, ReadsTheLabsPlan) {
  Plan plan = Good(R"(// The default fleet.
graph fleet {
  "a1" [enclosure="east"];
  "b1" [enclosure="west"];
  "gw" [enclosure="outside", role=gateway];
  "ctl" [role=controller];
  "leaf1" [role=switch];
  "leaf2" [role=switch, lldp=yes];

  "a1":"fab0" -- "leaf1":"p1" [speed="100Gbit", max_rtt="5us"];
  "b1":"fab0" -- "leaf2":"p1";
  "gw":"fab0" -- "leaf2":"p3";
  "ctl":"fab0" -- "leaf1":"p3";
  "leaf1":"Ethernet1/1" -- "leaf2":"p4";
}
)");
  ASSERT_THAT(plan.nodes, SizeIs(6));
  EXPECT_EQ(plan.nodes[0].name, "a1");
  EXPECT_EQ(plan.nodes[0].role, PlanRole::kNode);
  EXPECT_EQ(plan.nodes[0].enclosure, "east");
  EXPECT_EQ(plan.nodes[0].place, (PlanPlace{3, 3}));
  EXPECT_EQ(plan.nodes[2].role, PlanRole::kGateway);
  EXPECT_EQ(plan.nodes[3].role, PlanRole::kController);
  EXPECT_EQ(plan.nodes[4].lldp_every, absl::InfiniteDuration());
  EXPECT_EQ(plan.nodes[5].lldp_every, absl::Seconds(30));
  ASSERT_THAT(plan.cables, SizeIs(5));
  EXPECT_EQ(plan.cables[0].a, (PortName{"a1", "fab0"}));
  EXPECT_EQ(plan.cables[0].b, (PortName{"leaf1", "p1"}));
  EXPECT_EQ(plan.cables[0].speed, BitRate{100'000'000'000});
  EXPECT_EQ(plan.cables[0].max_rtt, absl::Microseconds(5));
  EXPECT_EQ(plan.cables[1].speed, BitRate{});
  EXPECT_EQ(plan.cables[1].max_rtt, absl::InfiniteDuration());
  EXPECT_EQ(plan.cables[4].a.port, "Ethernet1/1");
  EXPECT_EQ(plan.cables[4].place, (PlanPlace{14, 3}));
}

TEST(PlanParserTest, DefaultsHoldInTheirScope) {
  Plan plan = Good(R"(graph { graph [label="x"]; fabric_mtu=1600;
    edge [speed="1Gbit"]
    subgraph cluster_east { node [enclosure=east, lldp="2s", shape=box]; edge [max_rtt="1ms"];
      a1; a2; leaf1 [role=switch]; a3 [enclosure=west]; a1:f -- leaf1:p1; { node [role=gateway] gw } }
    b1 [enclosure=west]; a1 [role="node", color=red];
    b1:f -- leaf1:p2 [speed="2Gbit"]; a2:f -- leaf1:p3 })");
  ASSERT_THAT(plan.nodes, SizeIs(6));
  EXPECT_EQ(plan.nodes[1].enclosure, "east");
  EXPECT_EQ(plan.nodes[2].enclosure, "");
  EXPECT_EQ(plan.nodes[2].lldp_every, absl::Seconds(2));
  EXPECT_EQ(plan.nodes[3].enclosure, "west");
  EXPECT_EQ(plan.nodes[4].role, PlanRole::kGateway);
  EXPECT_EQ(plan.nodes[5].lldp_every, absl::InfiniteDuration());
  ASSERT_THAT(plan.cables, SizeIs(3));
  EXPECT_EQ(plan.cables[0].max_rtt, absl::Milliseconds(1));
  EXPECT_EQ(plan.cables[0].speed, BitRate{1'000'000'000});
  EXPECT_EQ(plan.cables[1].speed, BitRate{2'000'000'000});
  EXPECT_EQ(plan.cables[2].max_rtt, absl::InfiniteDuration());
}

TEST(PlanParserTest, AttributesMayComeLaterAndTwice) {
  Plan plan = Good(R"(graph { a:f -- sw:p1; a; a [enclosure=east]; a [enclosure=east]
    b [enclosure=west]; sw; sw [role=switch] })");
  ASSERT_THAT(plan.nodes, SizeIs(3));
  EXPECT_EQ(plan.nodes[0].name, "a");
  EXPECT_EQ(plan.nodes[2].role, PlanRole::kSwitch);
}

TEST(PlanParserTest, SwitchesMayHaveTheNamesThatTheyGiveThemselves) {
  Plan plan = Good(R"(graph { a [enclosure=east]; b [enclosure=west];
    "Leaf_1.dc.example" [role=switch];
    a:f -- "Leaf_1.dc.example":"Eth1/1"; b:f -- "Leaf_1.dc.example":"Eth1/2" })");
  EXPECT_EQ(plan.nodes[2].name, "Leaf_1.dc.example");
  EXPECT_EQ(plan.cables[0].b.node, "Leaf_1.dc.example");
}

TEST(PlanParserTest, SaysWhatIsWrongAndWhere) {
  struct BadPlan {
    std::string text;  // of line 3
    int column;
    std::vector<std::string> says;
  };
  const std::vector<BadPlan> kCases = {
      {"c1;", 1, {"say what \"c1\" is", "[role=switch]", "enclosure=\"east\""}},
      {"c1 [role=gateway];", 1, {"gateway \"c1\" is in no enclosure"}},
      {"c1 [role=switch, enclosure=x];", 18, {"switch \"c1\" has no enclosure"}},
      {"c1 [enclosure=x, lldp=yes];", 18, {"lldp is for switches", "node \"c1\""}},
      {"s [role=switch, lldp=on];", 22, {"lldp is \"yes\", \"no\" or", "not \"on\""}},
      {"s [role=switch, lldp=\"2h\"];", 22, {"to \"1h\", not \"2h\""}},
      {"s [role=swich];", 9, {"\"swich\" is no role; did you mean \"switch\"?"}},
      {"s [role=xxxxxxxx];", 9, {"known are node, gateway, switch and controller"}},
      {"C1 [enclosure=x];", 1, {"the node's name \"C1\"", "use a-z, 0-9 and -"}},
      {"C1 [role=controller];", 1, {"the node's name \"C1\""}},
      {"_s [role=switch];", 1, {"for switches also A-Z, _ and ."}},
      {"c1 [enclosure=X];", 15, {"the enclosure's name \"X\""}},
      {"c1 [enclosur=x];", 5, {"\"enclosur\" of nodes; did you mean \"enclosure\"?"}},
      {"c1 [enclosure=x, mtu=9000];", 18, {"known are enclosure, role and lldp"}},
      {"c1 [enclosure=x, speed=\"1Gbit\"];", 18, {"\"speed\" is for cables, not for nodes"}},
      {"c1 [enclosure=x, enclosure=y];", 18, {"this enclosure contradicts line 3, column 5"}},
      {"a1 [enclosure=west];", 5, {"the enclosure of \"a1\" contradicts line 2"}},
      {"a1 enclosure=east;", 4, {"for nodes, not for the graph; write it in [ ] behind"}},
      {"node [lldq=yes]; c1;", 7, {"did you mean \"lldp\"?"}},
      {"a1:f; c1 [enclosure=x];", 4, {"no statement of its own"}},
      {"a1:f -- c1:f; c1:g -- leaf1:p1", 9, {"nothing says what \"c1\" is"}},
      {"a1:f -- leaf1;", 9, {"write the port behind \"leaf1\""}},
      {"\"a1:f\" -- leaf1:p;", 1, {"write the port behind", "in quotes of their own"}},
      {"a1:f -- a1:g;", 12, {"from \"a1\" to itself"}},
      {"a1:f -- leaf1:p; b1:f -- leaf1:p;",
       32,
       {"\"p\" of \"leaf1\" has a cable already, on line 3"}},
      {"a1:f -- leaf1:p -- b1:f;", 15, {"on line 3"}},
      {"a1:f -- leaf1:p; a1:f -- leaf1:p;", 21, {"has a cable already"}},
      {"a1:\"f/0\" -- leaf1:\"p/0\";", 4, {"no \"/\""}},
      {"a1:sixteen_letters_ -- leaf1:p;", 4, {"16 characters; use at most 15"}},
      {"a1:\"\" -- leaf1:p;", 4, {"is empty"}},
      {"a1:\"f 0\" -- leaf1:p;", 4, {"no space"}},
      {"a1:f -- leaf1:\"p\\\\1\";", 15, {"backslash"}},
      {"a1:f -- leaf1:p [max_rt=\"5us\"];", 18, {"did you mean \"max_rtt\"?"}},
      {"a1:f -- leaf1:p [max_rtt=\"5\"];", 26, {"max_rtt", "has no unit"}},
      {"a1:f -- leaf1:p [max_rtt=\"2s\"];", 26, {"longer than 1s"}},
      {"a1:f -- leaf1:p [max_rtt=\"0us\"];", 26, {"is zero"}},
      {"a1:f -- leaf1:p [speed=\"100GB\"];", 24, {"is in bytes"}},
      {"a1:f -- leaf1:p [speed=\"0Gbit\"];", 24, {"speed is zero"}},
      {"a1:f -- leaf1:p [speed=\"1Gbit\", speed=\"2Gbit\"];", 33, {"contradicts line 3"}},
      {"a1 -- leaf1:p [tailport=f];", 1, {"write the port behind"}},
      {"a1:f -- leaf1:p [tailport=f];", 18, {"write the port behind the node's name"}},
      {"a1:f -- leaf1:p [enclosure=x];", 18, {"is for nodes, not for cables"}},
      {"graph [fabric_mut=9000];", 8, {"did you mean \"fabric_mtu\"?"}},
      {"c1 [role=<switch>];", 10, {"HTML"}},
  };
  for (const BadPlan& wrong : kCases) {
    ParsedPlan parsed = ParseIn(wrong.text);
    ASSERT_FALSE(parsed.errors.empty()) << wrong.text;
    EXPECT_EQ(parsed.errors[0].place, (PlanPlace{3, wrong.column})) << wrong.text << "\n"
                                                                    << parsed.errors[0].text;
    for (const std::string& text : wrong.says)
      EXPECT_THAT(parsed.errors[0].text, HasSubstr(text)) << wrong.text;
    const size_t more = wrong.text.starts_with("a1 -- leaf1") ? 2 : 1;
    EXPECT_THAT(parsed.errors, SizeIs(more)) << FormatPlanErrors(wrong.text, parsed.errors);
  }
}

TEST(PlanParserTest, ReportsAllMistakesByPlace) {
  ParsedPlan parsed = ParsePlan(R"(graph {
  x;
  a1 [enclosure=east, rolle=node2];
  y:f -- a1:f;
  a1:f -- a1;
  y:f -- z:f;
})");
  EXPECT_EQ(FormatPlanErrors("plan.dot", parsed.errors).find("plan.dot:2:3: say what"), 0u);
  std::vector<PlanPlace> places;
  for (const PlanError& error : parsed.errors) places.push_back(error.place);
  EXPECT_THAT(places, ::testing::ElementsAre(PlanPlace{2, 3}, PlanPlace{3, 23}, PlanPlace{4, 3},
                                             PlanPlace{5, 11}, PlanPlace{6, 5}, PlanPlace{6, 10}));
}

TEST(PlanParserTest, ABrokenStatementMakesNoOthersWrong) {
  ParsedPlan parsed = ParseIn("c1 [enclosure]; c1:f -- leaf1:p1; a1:f -- leaf1:p1");
  ASSERT_THAT(parsed.errors, SizeIs(2));
  EXPECT_EQ(parsed.errors[0].place, (PlanPlace{3, 5}));
  EXPECT_EQ(parsed.errors[1].place, (PlanPlace{3, 49}));
  parsed = ParseIn("\"c1 [enclosure=\"east\"];\n\"c2\" [enclosure=\"east\"];\n\"c3\" -- x; \"c4\"");
  ASSERT_THAT(parsed.errors, SizeIs(1));
  EXPECT_EQ(parsed.errors[0].place, (PlanPlace{3, 1}));
  EXPECT_THAT(parsed.errors[0].text, HasSubstr("quote missing"));
}

TEST(PlanParserTest, NeedsTwoNodes) {
  for (std::string_view text : {"graph {}", "graph { a [enclosure=east]; s [role=switch] }"}) {
    ParsedPlan parsed = ParsePlan(text);
    ASSERT_THAT(parsed.errors, SizeIs(1));
    EXPECT_EQ(parsed.errors[0].place, (PlanPlace{1, 1}));
    EXPECT_THAT(parsed.errors[0].text, HasSubstr("two nodes"));
  }
  Good("graph { a [enclosure=east]; g [enclosure=out, role=gateway] }");
}

TEST(PlanParserTest, BoundsSizeAndErrors) {
  ParsedPlan parsed = ParsePlan(std::string(kMostPlanBytes + 1, ' '));
  ASSERT_THAT(parsed.errors, SizeIs(1));
  EXPECT_THAT(parsed.errors[0].text, HasSubstr("at most"));
  std::string text = "graph {\n";
  for (int i = 0; i < 10'000; ++i) text += StrCat("n", i, ":f -- m", i, ";\n");
  parsed = ParsePlan(text + "}");
  ASSERT_THAT(parsed.errors, SizeIs(kMostPlanErrors));
  EXPECT_EQ(parsed.errors[99].place.line, 101);
}

TEST(PlanParserTest, ReadsALargeFleet) {
  constexpr int kCables = 64'000;
  std::string text = "graph {\nnode [enclosure=\"east\"]; edge [speed=\"400Gbit\"];\n";
  for (int i = 0; i < kCables / 64; ++i) text += StrCat("\"leaf", i, "\" [role=switch];\n");
  for (int i = 0; i < kCables; ++i)
    text += StrCat("\"n", i, "\"; \"n", i, "\":\"fab0\" -- \"leaf", i / 64, "\":\"p", i % 64,
                   "\" [max_rtt=\"5us\"];\n");
  Plan plan = Good(text + "}\n");
  EXPECT_THAT(plan.nodes, SizeIs(kCables + kCables / 64));
  EXPECT_THAT(plan.cables, SizeIs(kCables));
}

TEST(PlanParserTest, FormatsErrors) {
  EXPECT_EQ(FormatPlanErrors("p.dot", {{{7, 3}, "x"}, {{8, 1}, "y"}}),
            "p.dot:7:3: x\np.dot:8:1: y\n");
}

}  // namespace
}  // namespace sluice
