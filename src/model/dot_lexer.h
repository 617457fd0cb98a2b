// Cuts DOT into its words and signs.
#ifndef SLUICE_MODEL_DOT_LEXER_H_
#define SLUICE_MODEL_DOT_LEXER_H_

#include <algorithm>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "model/dot.h"

namespace sluice {

struct DotToken {
  enum class Kind { kEnd, kId, kSign };
  Kind kind = Kind::kEnd;
  DotId id = {};  // a sign's text: "{", "--", or a keyword in lower case

  bool Is(std::string_view sign) const { return kind == Kind::kSign && id.text == sign; }
};

// Reports what is wrong to the handler. What it returns is valid as long as itself and the text.
class DotLexer {
 public:
  DotLexer(std::string_view text, DotHandler& handler) : text_(text), handler_(handler) {
    if (text_.starts_with("\xef\xbb\xbf")) line_start_ = at_ = 3;
    FindControlByte();
  }

  DotToken Next();

  // Reports an error behind which nothing can be read.
  void Fail(PlanPlace place, std::string text);
  // Reports an error, and stops if the handler has had enough.
  void Report(PlanPlace place, std::string text);
  void Stop() {
    stopped_ = true;
    at_ = text_.size();
  }
  bool stopped() const { return stopped_; }

 private:
  bool At(std::string_view what) const { return text_.substr(at_).starts_with(what); }
  PlanPlace Here() const { return {line_, static_cast<int>(at_ - line_start_) + 1}; }
  // Moves to `end`, counting the lines.
  void MoveTo(size_t end);
  void FindControlByte();
  void SkipSpace();
  void SkipLine() { MoveTo(std::min(text_.find('\n', at_), text_.size())); }
  void SkipComment();
  DotToken Word();
  DotToken Quoted();
  // The text between two quotes, not unescaped; nullopt after an error.
  std::optional<std::string_view> QuotedPart();
  DotToken Html();
  DotToken Sign(size_t length);
  void SkipStrange();

  std::string_view text_;
  DotHandler& handler_;
  size_t at_ = 0;
  int line_ = 1;
  size_t line_start_ = 0;
  bool stopped_ = false;
  std::deque<std::string> made_;  // texts that do not stand in the file like this
};

}  // namespace sluice

#endif  // SLUICE_MODEL_DOT_LEXER_H_
