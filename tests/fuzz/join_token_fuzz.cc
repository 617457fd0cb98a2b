// Join tokens: no input crashes, neither as it is nor as the body of a token
// whose check digits fit; what decodes, encodes and decodes to the same.
#include "absl/strings/escaping.h"
#include "base/crypto.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"
#include "model/names.h"
#include "wire/join_token.h"

using namespace sluice;

namespace {

void Check(std::string_view text) {
  auto token = DecodeJoinToken(text);
  if (!token.ok()) return;
  Require(CheckName("node", token->node).ok() && !token->secret.IsZero());
  auto again = DecodeJoinToken(EncodeJoinToken(*token));
  Require(again.ok() && again->node == token->node && again->endpoint == token->endpoint &&
          again->address == token->address && again->controller == token->controller &&
          again->expires == token->expires && again->controller_key == token->controller_key);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::string_view text = AsText(data, size);
  Check(text);
  std::string body = StrCat("sluice1.", absl::WebSafeBase64Escape(ToAbsl(text)));
  Check(StrCat(body, ".", ToHex(Sha256(body)).substr(0, 8)));
  return 0;
}
