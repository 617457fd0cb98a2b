// Links, addresses, prefixes and endpoints: no input crashes; what parses,
// prints and parses to the same.
#include "fuzz/fuzz.h"
#include "model/names.h"
#include "model/prefix.h"
#include "wire/join_token.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = AsText(data, size);
  if (auto link = ParseLinkName(text); link.ok()) {
    Require(link->ToString() == text);
    Require(CheckName("node", link->src).ok() && CheckName("node", link->dst).ok());
  }
  if (auto address = ParseIpAddress(text); address.ok())
    Require(ParseIpAddress(address->ToString()).value() == *address);
  if (auto prefix = ParseIpPrefix(text); prefix.ok()) {
    Require(ParseIpPrefix(prefix->ToString()).value() == *prefix);
    Require(prefix->Contains(prefix->address) && prefix->Overlaps(*prefix));
  }
  if (auto endpoint = ParseEndpoint(text); endpoint.ok()) {
    Require(ParseEndpoint(endpoint->ToString()).value() == *endpoint);
    Require(endpoint->port != 0 && CheckHostPort("endpoint", text).ok());
  }
  return 0;
}
