// The words of a plan: what attributes there are, and what names ports have.
#ifndef SLUICE_MODEL_PLAN_WORDS_H_
#define SLUICE_MODEL_PLAN_WORDS_H_

#include <span>
#include <string>
#include <string_view>

#include "model/dot.h"

namespace sluice {

inline constexpr std::string_view kCableExample = "\"a1\":\"fab0\" -- \"leaf1\":\"p1\"";

// Those with a meaning.
std::span<const std::string_view> AttributesOf(DotKind kind);

// Graphviz's own, which say how a graph is drawn and nothing to a plan.
bool IsForDrawing(std::string_view name);

// "known are a, b and c", or the one that was probably meant.
std::string KnownText(std::string_view word, std::span<const std::string_view> known);

// What is wrong with an attribute that is none of AttributesOf(kind).
std::string UnknownAttributeText(DotKind kind, std::string_view name);

// What is wrong with a switch's name, or "". It is the one that it gives itself by LLDP, which
// is wider than what nodes may be called (names.h).
std::string CheckSwitchName(std::string_view name);

// What is wrong with a port's name, or "". Linux's names of interfaces are shorter than those of
// switches, which may be "Ethernet1/1".
std::string CheckPortName(std::string_view port, bool on_switch);

}  // namespace sluice

#endif  // SLUICE_MODEL_PLAN_WORDS_H_
