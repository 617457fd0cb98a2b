#include "model/dot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/strings.h"

namespace sluice {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Writes down what comes, one line each.
class Recorder : public DotHandler {
 public:
  void OnScopeBegin() override { seen.push_back("{"); }
  void OnScopeEnd() override { seen.push_back("}"); }
  void OnDefaults(DotKind kind, const DotAttributes& attributes) override {
    constexpr std::array<std::string_view, 3> kKinds = {"graph", "node", "edge"};
    seen.push_back(StrCat(kKinds[static_cast<size_t>(kind)], Text(attributes)));
  }
  void OnNode(const DotEnd& node, const DotAttributes& attributes) override {
    seen.push_back(Text(node) + Text(attributes));
  }
  void OnEdge(const std::vector<DotEnd>& ends, const DotAttributes& attributes) override {
    std::string line;
    for (const DotEnd& end : ends) line += (line.empty() ? "" : " -- ") + Text(end);
    seen.push_back(line + Text(attributes));
  }
  void OnSyntaxError(PlanPlace place, std::string text) override {
    errors.push_back(StrCat(place.line, ":", place.column, " ", text));
  }
  bool WantsMore() const override { return errors.size() < 20; }

  std::vector<std::string> seen;
  std::vector<std::string> errors;

 private:
  static std::string Text(const DotAttributes& attributes) {
    std::string out;
    for (const DotAttribute& a : attributes) out += StrCat(" ", a.name.text, "=", a.value.text);
    return out;
  }
  static std::string Text(const DotEnd& end) {
    return end.port ? StrCat(end.node.text, ":", end.port->text) : std::string(end.node.text);
  }
};

Recorder Read(std::string_view text) {
  Recorder recorder;
  ReadDot(text, recorder);
  return recorder;
}

TEST(DotTest, ReadsEveryKindOfStatement) {
  Recorder r = Read(R"(STRICT Graph "x" { a; b [p=1, q="2"; r=-.5][s=t] node [n=m]
    edge[]; graph [g=h] rankdir = LR  a:1 -- b:"2"--c [k=v]; subgraph x { d } { e; { f } } })");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_THAT(r.seen, ElementsAre("a", "b p=1 q=2 r=-.5 s=t", "node n=m", "edge", "graph g=h",
                                  "graph rankdir=LR", "a:1 -- b:2 -- c k=v", "{", "d", "}", "{",
                                  "e", "{", "f", "}", "}"));
}

TEST(DotTest, SkipsCommentsAndTheByteOrderMark) {
  Recorder r = Read("\xef\xbb\xbf# a\ngraph { // b }\r\n /* c\n ** } */ a\n# d }\n}\n// e");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_THAT(r.seen, ElementsAre("a"));
}

TEST(DotTest, ReadsStrings) {
  Recorder r = Read("graph { \"a\\\"b\\\\\" \"c\" /**/ + \"d\\\n\" + \"e\\n\" \"\" \"f\\\r\ng\" }");
  EXPECT_THAT(r.errors, IsEmpty());
  EXPECT_THAT(r.seen, ElementsAre("a\"b\\\\", "cde\\n", "", "fg"));
}

struct BadDot {
  std::string text;
  std::vector<std::string> errors;  // "line:column part of the text"
  std::vector<std::string> seen;
};

TEST(DotTest, SaysWhatIsWrongAndWhere) {
  const std::vector<BadDot> kCases = {
      {"", {"1:1 a plan begins with"}, {}},
      {"  a -- b", {"1:3 not with \"a\""}, {}},
      {"graph x", {"1:8 before the end of the file"}, {}},
      {"graph { a", {"1:7 is not closed"}, {"a"}},
      {"graph { a } b { c }", {"1:13 behind the end of the graph"}, {"a"}},
      {"graph { a } }", {"1:13 behind the end of the graph"}, {"a"}},
      {"graph { a; \"b }", {"1:12 has no end"}, {"a"}},
      {"graph { a; /* b }", {"1:12 has no end"}, {"a"}},
      {"graph { a; <b> c }", {"1:12 HTML"}, {"a", "<>", "c"}},
      {"graph { a; <b c }", {"1:12 HTML"}, {"a"}},
      {"graph {\n  a-1; b }", {"2:3 put \"a-1\" in quotes"}, {"a-1", "b"}},
      {"graph { a [b=100Mbit, c=d] }", {"1:14 put \"100Mbit\""}, {"a b=100Mbit c=d"}},
      {"graph { a:x/1 -- b:x.1 }", {"1:11 put \"x/1\"", "1:20 put \"x.1\""}, {"a:x/1 -- b:x.1"}},
      {"graph { a @$ b }", {"1:11 \"@$\" means nothing"}, {"a", "b"}},
      {"graph { a - b }", {"1:11 a cable is"}, {"a", "b"}},
      {"graph { a -> b }", {"1:11 have no direction"}, {"a -- b"}},
      {"digraph { a -> b }", {"1:1 have no direction"}, {"a -- b"}},
      {"graph { node -- b; c }", {"1:9 in quotes"}, {"c"}},
      {"graph { a [role=node] b }", {"1:17 in quotes"}, {"a role=node", "b"}},
      {"graph { a -- ; b }", {"1:14 a node's name before \";\""}, {"b"}},
      {"graph { a: [x=y]; b }", {"1:12 a port's name before \"[\""}, {"b"}},
      {"graph { a:b:n -- c:d }", {"1:12 only a node and a port"}, {"a:b -- c:d"}},
      {"graph { a [b]; c }", {"1:12 \"b\" has no value"}, {"c"}},
      {"graph { a [b=]; c }", {"1:14 a value before \"]\""}, {"c"}},
      {"graph { a [=b]; c }", {"1:12 write an attribute"}, {"c"}},
      {"graph { a [b=c }", {"1:11 \"[\" is not closed"}, {}},
      {"graph { a [b=c\n d [e=f]; g }", {"2:2 close the \"[\" of line 1"}, {"g"}},
      {"graph { ]; a = ; b = c d }", {"1:9 begins with \"]\"", "1:16 a value"}, {"graph b=c", "d"}},
      {"graph { ] x\n a:\n ; b }", {"1:9 begins with", "3:2 a port's name"}, {"x", "b"}},
      {"graph { a strict b\n c }", {"1:11 no statement begins"}, {"a", "c"}},
      {"graph { subgraph x; a }", {"1:19 write \"{\""}, {"a"}},
      {"graph { {a b} -- c; d }", {"1:9 between two ports"}, {"{", "a", "b", "}", "d"}},
      {"graph { {a} -- {b} [x=y] c }", {"1:9 between two"}, {"{", "a", "}", "{", "b", "}", "c"}},
      {"graph { a -- subgraph s {b} -- c; d }", {"1:14 between two"}, {"{", "b", "}", "d"}},
      {"graph { \"a\" + b; c }", {"1:15 a string in quotes"}, {"a", "b", "c"}},
      {std::string("graph { a \0 }", 13), {"1:11 control byte (0)"}, {}},
      {"graph {\n a \x7f }", {"2:4 control byte (127)"}, {}},
  };
  for (const BadDot& wrong : kCases) {
    Recorder r = Read(wrong.text);
    EXPECT_EQ(r.seen, wrong.seen) << wrong.text;
    ASSERT_EQ(r.errors.size(), wrong.errors.size())
        << wrong.text << ": " << ::testing::PrintToString(r.errors);
    for (size_t i = 0; i < r.errors.size(); ++i) {
      const std::string& expected = wrong.errors[i];
      const size_t space = expected.find(' ');
      EXPECT_THAT(r.errors[i], ::testing::StartsWith(expected.substr(0, space + 1))) << wrong.text;
      EXPECT_THAT(r.errors[i], HasSubstr(expected.substr(space + 1))) << wrong.text;
    }
  }
}

std::string Repeated(std::string_view text, size_t times) {
  std::string out;
  for (; times > 0; --times) out += text;
  return out;
}

TEST(DotTest, BoundsDepthAndSize) {
  EXPECT_THAT(Read("graph " + Repeated("{", 64) + "a" + Repeated("}", 64)).errors, IsEmpty());
  const std::vector<std::string> kTooMuch = {"graph " + Repeated("{", 1'000'000),
                                             "graph { a" + Repeated("--a", 1'000'000) + "}",
                                             "graph { a [" + Repeated("a=b ", 1'000'000) + "] }"};
  for (const std::string& text : kTooMuch)
    EXPECT_THAT(Read(text).errors, ElementsAre(HasSubstr("more than ")));
}

TEST(DotTest, StopsWhenTheHandlerHasEnough) {
  EXPECT_EQ(Read("graph { a " + Repeated("@ ", 1000) + "}").errors.size(), 20u);
  EXPECT_EQ(Read("graph { ] " + Repeated("a- ", 1000) + "}").errors.size(), 20u);
}

}  // namespace
}  // namespace sluice
