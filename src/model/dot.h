// Reads the grammar of Graphviz DOT (https://graphviz.org/doc/info/lang.html) and hands over
// each statement as it comes. What the words mean is for the handler to say.
#ifndef SLUICE_MODEL_DOT_H_
#define SLUICE_MODEL_DOT_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/plan.h"

namespace sluice {

inline constexpr size_t kMostDotDepth = 64;    // subgraphs in one another, and the graph
inline constexpr size_t kMostDotParts = 1000;  // attributes or ends of one statement

struct DotId {
  std::string_view text = {};  // valid for the call that brings it
  PlanPlace place = {};
  bool broken = false;  // could not be read, which is an error already reported
};

// node or node:port.
struct DotEnd {
  DotId node = {};
  std::optional<DotId> port = {};
};

struct DotAttribute {
  DotId name = {};
  DotId value = {};
};
using DotAttributes = std::vector<DotAttribute>;

enum class DotKind { kGraph, kNode, kEdge };

class DotHandler {
 public:
  virtual ~DotHandler() = default;

  // A subgraph begins or ends: defaults set within it are gone behind it.
  virtual void OnScopeBegin() = 0;
  virtual void OnScopeEnd() = 0;
  // `node [a=b]`, `edge [a=b]`, `graph [a=b]` and `a=b`.
  virtual void OnDefaults(DotKind kind, const DotAttributes& attributes) = 0;
  virtual void OnNode(const DotEnd& node, const DotAttributes& attributes) = 0;
  // At least two ends.
  virtual void OnEdge(const std::vector<DotEnd>& ends, const DotAttributes& attributes) = 0;
  // A mistake in the grammar. Reading goes on behind it where that makes sense.
  virtual void OnSyntaxError(PlanPlace place, std::string text) = 0;
  // Asked before each statement: false ends the reading.
  virtual bool WantsMore() const = 0;
};

// Any bytes at all; one undirected graph is right.
void ReadDot(std::string_view text, DotHandler& handler);

}  // namespace sluice

#endif  // SLUICE_MODEL_DOT_H_
