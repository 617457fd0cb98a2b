// Tamper messages: no input crashes, neither as it is nor with a code that fits; none is
// taken without one; what is taken, seals and opens to the same.
#include "agent/tamper/tamper_message.h"
#include "base/crypto.h"
#include "base/strings.h"
#include "fuzz/fuzz.h"

using namespace sluice;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = AsText(data, size);
  const Secret32 key;
  (void)ParseTamperKey(text);
  const auto taken = OpenTamperMessage(key, text);
  if (taken.ok()) Require(text.size() > 64 && ParseTamperBody(text.substr(65)).ok());
  // Its newline would be taken for the end of the line.
  if (text.ends_with('\n')) return 0;
  const auto coded = OpenTamperMessage(key, StrCat(ToHex(HmacSha256(key, text)), " ", text));
  if (!coded.ok()) return 0;
  Require(!coded->boot_id.empty() && coded->sent_at.ns > 0);
  if (coded->words.ends_with('\n')) return 0;
  const auto again = OpenTamperMessage(key, SealTamperMessage(key, *coded));
  Require(again.ok() ? *again == *coded : text.size() > kMaxTamperMessage / 2);
  return 0;
}
