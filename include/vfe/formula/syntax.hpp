#pragma once
#include <cstddef>
#include <string>
#include <vector>

namespace vfe {

/// A piece of a formula: what it is, where it stands and what it holds.
struct FormulaNode {
  enum class Kind {
    name,         ///< a column
    dot,          ///< all columns
    number,       ///< the intercept, 0 or 1; elsewhere any number
    list,         ///< c(1, 2)
    call,         ///< a function: what it is of, then its settings
    parentheses,  ///< of one operand
    unary,        ///< + or - before an operand
    binary,       ///< an operator between two
    group,        ///< (terms | groups) or (terms || groups)
  };
  Kind kind;
  std::string text;                     ///< the name, function or operator
  double number = 0.0;                  ///< of a number
  bool arithmetic = false;              ///< operators mean what they do in arithmetic, not in formulas
  std::size_t begin = 0;                ///< byte of the formula
  std::size_t first = 0;                ///< of the nodes [first, this] it is made of
  std::vector<std::size_t> operands{};  ///< nodes
  std::vector<std::string> settings{};  ///< of a call: what operands but the first set, "df"
  std::vector<std::string> labels{};    ///< of a call: their names as written; empty where there are none
};

/// A formula of Wilkinson and Rogers (1973) as R writes it, "log(y) | weights(w) ~ a * b + poly(x, 2) - 1". A
/// response alone, "y" or "log(y)", is "y ~ .".
/// Nodes come after those that they hold, so that a loop over them needs no recursion.
struct FormulaSyntax {
  std::string text;
  std::vector<FormulaNode> nodes;
  std::size_t response = 0;            ///< left of the ~
  std::vector<std::size_t> additions;  ///< to the response: calls of trials, cens, weights
  std::size_t right = 0;               ///< of the ~

  const FormulaNode& operator[](std::size_t node) const { return nodes[node]; }
  /// A node as R would write it: "log(a + b)", whatever blanks the formula has.
  std::string written(std::size_t node) const;
  /// Throws Fault::config: `found`, with the place and the formula.
  [[noreturn]] void fail(std::size_t node, const std::string& found) const;
};

/// What a function of a formula makes.
struct FormulaFunction {
  enum class Kind { number, basis, factor, offset, weights, addition };
  std::string name;
  Kind kind;
  std::vector<std::string> settings{};  ///< what may stand after the first argument, in order
};
/// The function of that name; null where there is none.
const FormulaFunction* formula_function(const std::string& name);

/// Throws Fault::config, one line that points at the place.
FormulaSyntax parse_formula(const std::string& text);

/// A name as it stands in a formula: in backticks where it must be, "`mol weight`".
std::string formula_name(const std::string& name);

}  // namespace vfe
