#include "model/plan_words.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr size_t kMostPortBytes = 15;  // IFNAMSIZ without its end
constexpr size_t kMostSwitchPortBytes = 63;
constexpr size_t kMostSwitchNameBytes = 63;

constexpr std::array<std::string_view, 3> kNodeAttributes = {"enclosure", "role", "lldp"};
constexpr std::array<std::string_view, 2> kCableAttributes = {"speed", "max_rtt"};
// The lab's, which builds a fleet from the same file.
constexpr std::array<std::string_view, 3> kGraphAttributes = {"fabric_mtu", "accelerator_mtu",
                                                              "gso_max_size"};

std::string_view PluralOf(DotKind kind) {
  constexpr std::array<std::string_view, 3> kPlurals = {"the graph", "nodes", "cables"};
  return kPlurals[static_cast<size_t>(kind)];
}

// How many letters to change, insert or remove to make one word from the other.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({changed, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::span<const std::string_view> AttributesOf(DotKind kind) {
  switch (kind) {
    case DotKind::kGraph:
      return kGraphAttributes;
    case DotKind::kNode:
      return kNodeAttributes;
    case DotKind::kEdge:
      return kCableAttributes;
  }
  return {};
}

bool IsForDrawing(std::string_view name) {
  static const auto& names =
      *new std::unordered_set<std::string_view>{"label",         "xlabel",        "color",
                                                "fillcolor",     "fontname",      "fontsize",
                                                "fontcolor",     "shape",         "style",
                                                "pos",           "rank",          "rankdir",
                                                "ranksep",       "nodesep",       "splines",
                                                "width",         "height",        "weight",
                                                "penwidth",      "comment",       "tooltip",
                                                "URL",           "href",          "dir",
                                                "arrowhead",     "arrowtail",     "arrowsize",
                                                "headlabel",     "taillabel",     "len",
                                                "layout",        "overlap",       "margin",
                                                "bgcolor",       "class",         "id",
                                                "constraint",    "minlen",        "group",
                                                "concentrate",   "compound",      "cluster",
                                                "labelloc",      "labeljust",     "dpi",
                                                "resolution",    "size",          "ratio",
                                                "peripheries",   "lhead",         "ltail",
                                                "samehead",      "sametail",      "headclip",
                                                "tailclip",      "labelangle",    "labelfloat",
                                                "labeldistance", "decorate",      "lp",
                                                "fixedsize",     "image",         "imagescale",
                                                "imagepos",      "nojustify",     "ordering",
                                                "orientation",   "center",        "charset",
                                                "clusterrank",   "colorscheme",   "gradientangle",
                                                "sep",           "esep",          "pack",
                                                "packmode",      "page",          "pagedir",
                                                "pin",           "mode",          "model",
                                                "start",         "root",          "outputorder",
                                                "newrank",       "normalize",     "notranslate",
                                                "pencolor",      "pad",           "landscape",
                                                "regular",       "rotate",        "rotation",
                                                "scale",         "searchsize",    "showboxes",
                                                "sides",         "skew",          "distortion",
                                                "smoothing",     "sortv",         "stylesheet",
                                                "target",        "forcelabels",   "maxiter",
                                                "mindist",       "nslimit",       "nslimit1",
                                                "quantum",       "quadtree",      "remincross",
                                                "mclimit",       "levelsgap",     "labelfontcolor",
                                                "viewport",      "edgeURL",       "edgehref",
                                                "edgetooltip",   "headURL",       "headhref",
                                                "tailURL",       "tailhref",      "labelURL",
                                                "labelhref",     "labeltooltip",  "headtooltip",
                                                "tailtooltip",   "labelfontname", "labelfontsize",
                                                "truecolor",     "vertices",      "area",
                                                "damping",       "inputscale",    "epsilon",
                                                "defaultdist"};
  return names.contains(name);
}

std::string KnownText(std::string_view word, std::span<const std::string_view> known) {
  std::string list;
  for (size_t i = 0; i < known.size(); ++i) {
    if (word.size() < 20 && EditDistance(word, known[i]) <= 2)
      return StrCat("did you mean \"", known[i], "\"?");
    list += StrCat(i == 0 ? "" : i + 1 == known.size() ? " and " : ", ", known[i]);
  }
  return StrCat("known are ", list);
}

std::string UnknownAttributeText(DotKind kind, std::string_view name) {
  if (kind == DotKind::kEdge && (name == "headport" || name == "tailport"))
    return StrCat("write the port behind the node's name instead, as in ", kCableExample);
  for (DotKind other : {DotKind::kGraph, DotKind::kNode, DotKind::kEdge}) {
    auto known = AttributesOf(other);
    if (std::find(known.begin(), known.end(), name) != known.end())
      return StrCat(ForMessage(name), " is for ", PluralOf(other), ", not for ", PluralOf(kind),
                    kind == DotKind::kGraph ? "; write it in [ ] behind what it is about" : "");
  }
  return StrCat("unknown attribute ", ForMessage(name), " of ", PluralOf(kind), "; ",
                KnownText(name, AttributesOf(kind)));
}

std::string CheckSwitchName(std::string_view name) {
  auto good = [](char c) { return absl::ascii_isalnum(c) || c == '-' || c == '_' || c == '.'; };
  if (name.empty()) return "the node's name is empty";
  if (name.size() > kMostSwitchNameBytes)
    return StrCat("the node's name has ", name.size(), " characters; use at most ",
                  kMostSwitchNameBytes);
  if (!absl::ascii_isalnum(name[0]) || !std::all_of(name.begin(), name.end(), good))
    return StrCat("the node's name ", ForMessage(name),
                  " is not a name; use a-z, 0-9 and -, and for switches also A-Z, _ and ., "
                  "starting with a letter or digit");
  return "";
}

std::string CheckPortName(std::string_view port, bool on_switch) {
  const size_t most = on_switch ? kMostSwitchPortBytes : kMostPortBytes;
  auto good = [on_switch](char c) {
    return absl::ascii_isgraph(c) && c != ':' && c != '"' && c != '\\' && (on_switch || c != '/');
  };
  if (port.empty()) return "a port's name is empty; write for example \"fab0\"";
  if (port.size() > most)
    return StrCat("port ", ForMessage(port), " has ", port.size(), " characters; use at most ",
                  most);
  if (!std::all_of(port.begin(), port.end(), good) || port == "." || port == "..")
    return StrCat("port ", ForMessage(port),
                  " is not a port's name; use no space, quote or backslash, no \":\"",
                  on_switch ? "" : " and no \"/\"");
  return "";
}

}  // namespace sluice
