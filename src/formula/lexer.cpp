#include "formula/lexer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>

#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {

namespace {

using Kind = FormulaToken::Kind;

constexpr std::size_t shown_bytes = 40;  // of a long formula, on either side of a mistake

bool continues_character(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || (c & 0x80) != 0;
}
bool continues_name(char c) {
  return begins_name(c) || is_digit(c);
}

/// The formula on one line, of a long one what is near that byte.
std::string neighbourhood(std::string text, std::size_t byte) {
  std::replace_if(text.begin(), text.end(), is_blank, ' ');  // each by one: places stay
  if (text.size() <= 2 * shown_bytes) return text;
  std::size_t begin = byte > shown_bytes ? byte - shown_bytes : 0;
  std::size_t end = std::min(text.size(), byte + shown_bytes);
  while (begin > 0 && continues_character(text[begin])) --begin;
  while (end < text.size() && continues_character(text[end])) ++end;
  return (begin > 0 ? "..." : "") + text.substr(begin, end - begin) + (end < text.size() ? "..." : "");
}

}  // namespace

void fail_formula(const std::string& text, std::size_t byte, const std::string& found) {
  const auto before = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  const auto characters = std::count_if(text.begin(), before, [](char c) { return !continues_character(c); });
  throw Error(Fault::config, printable(fmt::format("formula, character {}: {}: \"{}\"", characters + 1,
                                                   one_line(found), neighbourhood(text, byte))));
}

std::string formula_name(const std::string& name) {
  const bool is_plain = !name.empty() && begins_name(name.front()) && name != "." &&
                        !(name.size() > 1 && name.front() == '.' && is_digit(name[1])) &&
                        std::all_of(name.begin(), name.end(), continues_name);
  if (is_plain) return name;
  std::string quoted = "`";
  for (char c : name) quoted += c == '`' ? "``" : std::string(1, c);
  return quoted + "`";
}

FormulaLexer::FormulaLexer(const std::string& text) : text_(text) {
  if (!is_utf8(text)) throw Error(Fault::config, "formula: is no UTF-8");
  token_ = read(0);
}

void FormulaLexer::advance() {
  token_ = read(token_.end);
}

std::string FormulaLexer::shown() const {
  if (token_.kind == Kind::end) return "the end";
  return "\"" + shortened(text_.substr(token_.begin, token_.end - token_.begin), 2 * shown_bytes) + "\"";
}

std::string FormulaLexer::takes_label() {
  if (token_.kind != Kind::name) return "";
  const FormulaToken next = read(token_.end);
  if (next.kind != Kind::mark || next.text != "=") return "";
  const std::string label = token_.text;
  token_ = read(next.end);
  return label;
}

FormulaToken FormulaLexer::read(std::size_t at) const {
  while (at < text_.size() && is_blank(text_[at])) ++at;
  if (at == text_.size()) return {Kind::end, "", 0.0, false, at, at};
  const char c = text_[at];
  if (c == '`') return quoted(at);
  if (is_digit(c) || (c == '.' && at + 1 < text_.size() && is_digit(text_[at + 1]))) return numeric(at);
  std::size_t end = at;
  if (begins_name(c)) {
    while (end < text_.size() && continues_name(text_[end])) ++end;
    return {Kind::name, text_.substr(at, end - at), 0.0, false, at, end};
  }
  for (const std::string_view mark :
       {"%in%", "||", "**", "+", "-", "*", "/", ":", "^", "~", "(", ")", ",", "=", "|"}) {
    if (text_.compare(at, mark.size(), mark) == 0) {
      return {Kind::mark, mark == "**" ? "^" : std::string(mark), 0.0, false, at, at + mark.size()};
    }
  }
  fail_formula(text_, at, fmt::format("found \"{}\", which formulas know not", c));
}

FormulaToken FormulaLexer::quoted(std::size_t begin) const {
  FormulaToken token{Kind::name, "", 0.0, true, begin, begin + 1};
  for (;; ++token.end) {
    if (token.end == text_.size()) fail_formula(text_, begin, "a name without its second backtick");
    if (text_[token.end] == '`') {
      if (token.end + 1 == text_.size() || text_[token.end + 1] != '`') break;
      ++token.end;  // two stand for one
    }
    token.text += text_[token.end];
  }
  ++token.end;
  if (token.text.empty()) fail_formula(text_, begin, "a name of no letters");
  return token;
}

FormulaToken FormulaLexer::numeric(std::size_t begin) const {
  FormulaToken token{Kind::number, "", 0.0, false, begin, begin};
  const char* last = text_.data() + text_.size();
  const auto [end, mistake] = std::from_chars(text_.data() + begin, last, token.number);
  token.end = static_cast<std::size_t>(end - text_.data());
  if (mistake != std::errc() || !std::isfinite(token.number))
    fail_formula(text_, begin, "a number beyond all doubles");
  if (end != last && continues_name(*end)) {
    const auto word_end =
        std::find_if_not(text_.begin() + static_cast<std::ptrdiff_t>(token.end), text_.end(), continues_name);
    const std::string word(text_.begin() + static_cast<std::ptrdiff_t>(begin), word_end);
    fail_formula(text_, begin,
                 fmt::format("found \"{}\", expected a number, or backticks around a name",
                             shortened(word, 2 * shown_bytes)));
  }
  return token;
}

}  // namespace vfe
