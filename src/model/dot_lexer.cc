#include "model/dot_lexer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "base/strings.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 6> kDotKeywords = {"graph", "digraph",  "node",
                                                          "edge",  "subgraph", "strict"};

bool IsDotWordByte(char c) { return absl::ascii_isalnum(c) || c == '_' || (c & 0x80) != 0; }

// A name or a numeral: what DOT takes without quotes.
bool IsPlainDotId(std::string_view word) {
  if (!absl::ascii_isdigit(word[0]) && IsDotWordByte(word[0]))
    return std::all_of(word.begin(), word.end(), IsDotWordByte);
  if (word[0] == '-') word.remove_prefix(1);
  const auto points = std::count(word.begin(), word.end(), '.');
  const auto digits = std::count_if(word.begin(), word.end(), absl::ascii_isdigit);
  return points <= 1 && digits >= 1 && points + digits == static_cast<ptrdiff_t>(word.size());
}

std::string_view FindDotKeyword(std::string_view word) {
  for (std::string_view keyword : kDotKeywords)
    if (absl::EqualsIgnoreCase(ToAbsl(word), ToAbsl(keyword))) return keyword;
  return {};
}

// The text of a quoted string: \" and a backslash at the end of a line are DOT's, any other
// backslash is the reader's.
void AppendUnescaped(std::string_view raw, std::string& out) {
  for (size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\' || i + 1 == raw.size()) {
      out += raw[i];
    } else if (raw[i + 1] == '"' || raw[i + 1] == '\n') {
      if (raw[++i] == '"') out += '"';
    } else if (raw.substr(i + 1, 2) == "\r\n") {
      i += 2;
    } else {
      out += raw[i];
      out += raw[++i];
    }
  }
}

}  // namespace

void DotLexer::Report(PlanPlace place, std::string text) {
  if (stopped_) return;
  handler_.OnSyntaxError(place, std::move(text));
  if (!handler_.WantsMore()) Stop();
}

void DotLexer::Fail(PlanPlace place, std::string text) {
  Report(place, std::move(text));
  Stop();
}

void DotLexer::MoveTo(size_t end) {
  for (; at_ < end; ++at_) {
    if (text_[at_] != '\n') continue;
    ++line_;
    line_start_ = at_ + 1;
  }
}

void DotLexer::FindControlByte() {
  auto bad = [](char c) { return absl::ascii_iscntrl(c) && c != '\t' && c != '\n' && c != '\r'; };
  auto found = std::find_if(text_.begin(), text_.end(), bad);
  if (found == text_.end()) return;
  MoveTo(static_cast<size_t>(found - text_.begin()));
  Fail(Here(), StrCat("this is not text: it holds a control byte (",
                      static_cast<int>(static_cast<unsigned char>(*found)), ")"));
}

void DotLexer::SkipSpace() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      MoveTo(at_ + 1);
    } else if (At("//") || (c == '#' && at_ == line_start_)) {
      SkipLine();
    } else if (At("/*")) {
      SkipComment();
    } else {
      return;
    }
  }
}

void DotLexer::SkipComment() {
  const size_t end = text_.find("*/", at_ + 2);
  if (end == std::string_view::npos) return Fail(Here(), "this comment has no end; write \"*/\"");
  MoveTo(end + 2);
}

DotToken DotLexer::Next() {
  while (true) {
    SkipSpace();
    if (at_ >= text_.size()) return {.id = {.place = Here()}};
    const char c = text_[at_];
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    if (c == '"') return Quoted();
    if (c == '<') return Html();
    if (At("--") || At("->")) return Sign(2);
    if (std::string_view("{}[]=;,:").find(c) != std::string_view::npos) return Sign(1);
    const bool number = absl::ascii_isdigit(next) || (c == '-' && next == '.');
    if (IsDotWordByte(c) || ((c == '-' || c == '.') && number)) return Word();
    SkipStrange();
  }
}

DotToken DotLexer::Sign(size_t length) {
  DotToken token{DotToken::Kind::kSign, {text_.substr(at_, length), Here()}};
  at_ += length;
  return token;
}

// Takes what looks like one word to people, so that rack-7 and 100Gbit, which are several
// tokens to DOT, give one error that says so.
DotToken DotLexer::Word() {
  size_t end = at_ + 1;
  for (; end < text_.size(); ++end) {
    const char c = text_[end];
    const char next = end + 1 < text_.size() ? text_[end + 1] : '\0';
    const bool joins = c == '.' || (c == '-' && next != '-' && next != '>') ||
                       (c == '/' && next != '/' && next != '*');
    if (!IsDotWordByte(c) && !joins) break;
  }
  std::string_view word = text_.substr(at_, end - at_);
  DotToken token{DotToken::Kind::kId, {word, Here()}};
  at_ = end;
  if (std::string_view keyword = FindDotKeyword(word); !keyword.empty()) {
    token.kind = DotToken::Kind::kSign;
    token.id.text = keyword;
  } else if (!IsPlainDotId(word)) {
    Report(token.id.place, StrCat("put ", ForMessage(word), " in quotes"));
  }
  return token;
}

std::optional<std::string_view> DotLexer::QuotedPart() {
  size_t end = at_ + 1;
  while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
  if (end >= text_.size()) {
    Fail(Here(), "this string has no end; write a \"");
    return std::nullopt;
  }
  std::string_view part = text_.substr(at_ + 1, end - at_ - 1);
  MoveTo(end + 1);
  return part;
}

DotToken DotLexer::Quoted() {
  DotToken token{DotToken::Kind::kId, {{}, Here()}};
  std::optional<std::string_view> part = QuotedPart();
  if (!part) return {.id = token.id};
  SkipSpace();
  if (!At("+") && part->find('\\') == std::string_view::npos) {
    token.id.text = *part;
    return token;
  }
  std::string& whole = made_.emplace_back();
  AppendUnescaped(*part, whole);
  while (At("+")) {
    MoveTo(at_ + 1);
    SkipSpace();
    if (!At("\"")) {
      Report(Here(), "behind \"+\" comes a string in quotes");
      token.id.broken = true;
      break;
    }
    part = QuotedPart();
    if (!part) return {.id = token.id};
    AppendUnescaped(*part, whole);
    SkipSpace();
  }
  token.id.text = whole;
  return token;
}

DotToken DotLexer::Html() {
  DotToken token{DotToken::Kind::kId, {.text = "<>", .place = Here(), .broken = true}};
  constexpr std::string_view kText = "HTML text <...> has no meaning here; write a \"string\"";
  size_t depth = 0;
  for (size_t end = at_; end < text_.size(); ++end) {
    if (text_[end] == '<') ++depth;
    if (text_[end] != '>' || --depth > 0) continue;
    MoveTo(end + 1);
    Report(token.id.place, std::string(kText));
    return token;
  }
  Fail(token.id.place, StrCat(kText, ", and this one has no end"));
  return {.id = token.id};
}

void DotLexer::SkipStrange() {
  const PlanPlace place = Here();
  const size_t start = at_;
  at_ = std::min(text_.find_first_not_of("!$%&'()*+>?@\\^`|~", at_ + 1), text_.size());
  std::string_view strange = text_.substr(start, at_ - start);
  std::string_view hint = strange[0] == '#'   ? "; a comment begins with //"
                          : strange[0] == '-' ? "; a cable is \"a1\":\"fab0\" -- \"leaf1\":\"p1\""
                                              : "; put names in quotes";
  Report(place, StrCat(ForMessage(strange), " means nothing here", hint));
}

}  // namespace sluice
