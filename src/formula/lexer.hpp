#pragma once
#include <cstddef>
#include <string>

namespace vfe {

/// Throws Fault::config: what was found, and at which character of which formula.
[[noreturn]] void fail_formula(const std::string& text, std::size_t byte, const std::string& found);

/// A word of a formula.
struct FormulaToken {
  enum class Kind { end, name, number, mark };
  Kind kind = Kind::end;
  std::string text;  ///< without backticks
  double number = 0.0;
  bool is_quoted = false;          ///< in backticks
  std::size_t begin = 0, end = 0;  ///< bytes of the formula
};

/// Reads a formula word by word, one ahead.
class FormulaLexer {
 public:
  explicit FormulaLexer(const std::string& text);  ///< which must outlive it
  const FormulaToken& token() const { return token_; }
  void advance();
  /// The word as an error shows it.
  std::string shown() const;
  /// The name before a = sign, both taken; empty, and nothing taken, where there is none.
  std::string takes_label();

 private:
  FormulaToken read(std::size_t at) const;
  FormulaToken quoted(std::size_t begin) const;
  FormulaToken numeric(std::size_t begin) const;

  const std::string& text_;
  FormulaToken token_;
};

}  // namespace vfe
