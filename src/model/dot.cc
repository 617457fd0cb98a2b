#include "model/dot.h"

#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "base/strings.h"
#include "model/dot_lexer.h"

namespace sluice {
namespace {

// Without recursion, so that no text exhausts the stack.
class DotParser {
 public:
  DotParser(std::string_view text, DotHandler& handler) : lexer_(text, handler), handler_(handler) {
    token_ = lexer_.Next();
  }
  void Run();

 private:
  struct Scope {
    PlanPlace place = {};
    bool misplaced = false;  // an end of a cable, which is an error already reported
  };

  bool AtEnd() const { return token_.kind == DotToken::Kind::kEnd; }
  bool Is(std::string_view sign) const { return token_.Is(sign); }
  bool AtEdge() const { return Is("--") || Is("->"); }
  std::string Found() const { return AtEnd() ? "the end of the file" : ForMessage(token_.id.text); }
  void Advance();
  bool Take(std::string_view sign);
  // Returns false, as do those that use it.
  bool Error(PlanPlace place, std::string text);
  // Skips the rest of a statement in which there was an error.
  void Recover(bool in_list = false);

  bool Header();
  void Trailer();
  void Statement();
  void OpenScope();
  void CloseScope();
  void Defaults();
  void Named();
  void Edge(DotEnd first);
  // These report what is wrong, recover and return false.
  bool ReadId(std::string_view what, DotId& out, bool in_list = false);
  bool ReadEnd(DotEnd& end);
  bool ReadLists();
  bool ReadAttribute(PlanPlace list);

  DotLexer lexer_;
  DotHandler& handler_;
  DotToken token_;
  int last_line_ = 1;  // where the token before this one begins
  bool digraph_ = false;
  bool misplaced_ = false;  // the next subgraph is an end of a cable
  std::vector<Scope> scopes_;
  DotAttributes attributes_;  // of the statement
};

void DotParser::Advance() {
  last_line_ = token_.id.place.line;
  token_ = lexer_.Next();
}

bool DotParser::Take(std::string_view sign) {
  if (!Is(sign)) return false;
  Advance();
  return true;
}

bool DotParser::Error(PlanPlace place, std::string text) {
  lexer_.Report(place, std::move(text));
  return false;
}

void DotParser::Recover(bool in_list) {
  while (!AtEnd() && !Is("{") && !Is("}")) {
    if (Take("]")) return;
    if (!in_list && Take(";")) return;
    const bool starts = token_.kind == DotToken::Kind::kId || Is("node") || Is("edge") ||
                        Is("graph") || Is("subgraph");
    if (!in_list && starts && token_.id.place.line > last_line_) return;
    Advance();
  }
}

void DotParser::Run() {
  if (!Header()) return;
  while (!scopes_.empty() && !AtEnd()) {
    Statement();
    if (!handler_.WantsMore()) return;
  }
  Trailer();
}

bool DotParser::Header() {
  Take("strict");
  digraph_ = Is("digraph");
  if (digraph_) Error(token_.id.place, "cables have no direction: write \"graph\" and \"--\"");
  if (!Take("graph") && !Take("digraph")) {
    lexer_.Fail(token_.id.place, StrCat("a plan begins with \"graph {\", not with ", Found()));
    return false;
  }
  if (token_.kind == DotToken::Kind::kId) Advance();
  if (!Is("{")) {
    lexer_.Fail(token_.id.place, StrCat("write \"{\" before ", Found()));
    return false;
  }
  scopes_.push_back({token_.id.place});
  Advance();
  return true;
}

void DotParser::Trailer() {
  if (!scopes_.empty())
    Error(scopes_.back().place, "this \"{\" is not closed; write \"}\" at its end");
  else if (!AtEnd())
    Error(token_.id.place, StrCat(Found(),
                                  " stands behind the end of the graph; a plan is one "
                                  "graph, so remove it or the \"}\" that is too many"));
}

void DotParser::Statement() {
  attributes_.clear();
  if (Take(";")) return;
  if (Is("{") || Is("subgraph")) return OpenScope();
  if (Is("}")) return CloseScope();
  if (Is("graph") || Is("node") || Is("edge")) return Defaults();
  if (token_.kind == DotToken::Kind::kId) return Named();
  Error(token_.id.place, StrCat("no statement begins with ", Found(),
                                "; write for example \"a1\" [enclosure=\"east\"];"));
  if (!Is("]")) Advance();
  Recover();
}

void DotParser::OpenScope() {
  const bool misplaced = std::exchange(misplaced_, false);
  const PlanPlace place = token_.id.place;
  if (Take("subgraph")) {
    if (token_.kind == DotToken::Kind::kId) Advance();
    if (!Is("{")) {
      Error(token_.id.place, StrCat("write \"{\" behind \"subgraph\", before ", Found()));
      return Recover();
    }
  }
  if (scopes_.size() >= kMostDotDepth)
    lexer_.Fail(place, StrCat("more than ", kMostDotDepth, " graphs in one another"));
  scopes_.push_back({place, misplaced});
  handler_.OnScopeBegin();
  Advance();
}

constexpr std::string_view kCableText =
    "a cable runs between two ports, not from or to a group; write \"a1\":\"fab0\" -- "
    "\"leaf1\":\"p1\"";

void DotParser::CloseScope() {
  const Scope scope = scopes_.back();
  scopes_.pop_back();
  Advance();
  if (scopes_.empty()) return;
  handler_.OnScopeEnd();
  if (AtEdge() && !scope.misplaced) Error(scope.place, std::string(kCableText));
  if (AtEdge()) misplaced_ = true;
  if (AtEdge() || (scope.misplaced && Is("["))) {
    Recover(Is("["));
    misplaced_ = misplaced_ && Is("{");
  }
}

void DotParser::Defaults() {
  const DotToken what = token_;
  Advance();
  if (!Is("[")) {
    Error(what.id.place, StrCat("write \"[\" behind ", ForMessage(what.id.text),
                                ", or put it in quotes if it is a name"));
    return Recover();
  }
  if (!ReadLists()) return;
  const DotKind kind = what.Is("node")   ? DotKind::kNode
                       : what.Is("edge") ? DotKind::kEdge
                                         : DotKind::kGraph;
  handler_.OnDefaults(kind, attributes_);
}

void DotParser::Named() {
  DotEnd end;
  if (!ReadEnd(end)) return;
  if (AtEdge()) return Edge(end);
  if (!Is("=") || end.port) {
    if (ReadLists()) handler_.OnNode(end, attributes_);
    return;
  }
  Advance();
  DotId value;
  if (ReadId("a value", value)) handler_.OnDefaults(DotKind::kGraph, {{end.node, value}});
}

void DotParser::Edge(DotEnd first) {
  std::vector<DotEnd> ends = {first};
  while (AtEdge()) {
    if (Is("->") && !digraph_)
      Error(token_.id.place, "cables have no direction: write \"--\" instead of \"->\"");
    Advance();
    if (Is("{") || Is("subgraph")) {
      Error(token_.id.place, std::string(kCableText));
      misplaced_ = true;
      return;
    }
    DotEnd& end = ends.emplace_back();
    if (!ReadEnd(end)) return;
    if (ends.size() > kMostDotParts)
      return lexer_.Fail(end.node.place, StrCat("more than ", kMostDotParts, " ends in one chain"));
  }
  if (ReadLists()) handler_.OnEdge(ends, attributes_);
}

bool DotParser::ReadId(std::string_view what, DotId& out, bool in_list) {
  if (token_.kind != DotToken::Kind::kId) {
    const bool keyword = !AtEnd() && absl::ascii_isalpha(token_.id.text[0]);
    Error(token_.id.place,
          keyword ? StrCat(Found(), " is a word of DOT: put it in quotes to make it ", what)
                  : StrCat("write ", what, " before ", Found()));
    // Taken as what was meant, so that the rest of the statement is read as well.
    if (!keyword) {
      Recover(in_list);
      return false;
    }
  }
  out = token_.id;
  Advance();
  return true;
}

bool DotParser::ReadEnd(DotEnd& end) {
  if (!ReadId("a node's name", end.node)) return false;
  if (!Take(":")) return true;
  if (!ReadId("a port's name", end.port.emplace())) return false;
  if (!Is(":")) return true;
  Error(token_.id.place, "only a node and a port name an end; remove what follows the port");
  Advance();
  if (token_.kind == DotToken::Kind::kId) Advance();
  return true;
}

bool DotParser::ReadLists() {
  while (Is("[")) {
    const PlanPlace list = token_.id.place;
    Advance();
    while (!Take("]"))
      if (!ReadAttribute(list)) return false;
  }
  return true;
}

bool DotParser::ReadAttribute(PlanPlace list) {
  if (AtEnd() || Is("{") || Is("}")) return Error(list, "this \"[\" is not closed; write \"]\"");
  if (attributes_.size() >= kMostDotParts)
    lexer_.Fail(token_.id.place,
                StrCat("more than ", kMostDotParts, " attributes in one statement"));
  DotAttribute& attribute = attributes_.emplace_back();
  if (token_.kind != DotToken::Kind::kId) {
    Error(token_.id.place,
          StrCat("write an attribute, as in enclosure=\"east\", before ", Found()));
    Recover(true);
    return false;
  }
  attribute.name = token_.id;
  Advance();
  if (!Is("=")) {
    const bool other_line = attribute.name.place.line > list.line;
    Error(
        attribute.name.place,
        StrCat("attribute ", ForMessage(attribute.name.text), " has no value; write \"=\" and one",
               other_line ? StrCat(", or close the \"[\" of line ", list.line) : ""));
    Recover(true);
    return false;
  }
  Advance();
  if (!ReadId("a value", attribute.value, true)) return false;
  if (!Take(",")) Take(";");
  return true;
}

}  // namespace

void ReadDot(std::string_view text, DotHandler& handler) { DotParser(text, handler).Run(); }

}  // namespace sluice
