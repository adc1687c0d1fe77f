#include "formula/variables.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace vfe {

namespace {

using Kind = FormulaVariable::Kind;

constexpr Index max_degree = 100, max_df = 1000;

/// Reads the settings of a call.
class Settings {
 public:
  Settings(const FormulaSyntax& syntax, std::size_t call) : syntax_(syntax), call_(call) {}

  bool has(const char* name) const { return find(name) != call_; }
  /// A whole number in [least, most]; `otherwise` where it is not set.
  Index whole(const char* name, Index least, Index most, Index otherwise) const {
    const std::size_t node = find(name);
    if (node == call_) return otherwise;
    const double value = syntax_[node].number;
    const bool is_number = syntax_[node].kind == FormulaNode::Kind::number;
    if (!is_number || std::floor(value) != value || value < static_cast<double>(least) ||
        value > static_cast<double>(most)) {
      syntax_.fail(node, fmt::format("{} = {}, expected a whole number from {} to {}", name,
                                     syntax_.written(node), least, most));
    }
    return static_cast<Index>(value);
  }
  bool flag(const char* name) const {
    const std::size_t node = find(name);
    if (node != call_ && syntax_[node].text != "TRUE" && syntax_[node].text != "FALSE") {
      syntax_.fail(node, fmt::format("{} = {}, expected TRUE or FALSE", name, syntax_.written(node)));
    }
    return node != call_ && syntax_[node].text == "TRUE";
  }
  /// One number or a list of them, rising.
  std::vector<double> rising(const char* name) const {
    const std::size_t node = find(name);
    std::vector<double> numbers;
    if (node == call_) return numbers;
    if (syntax_[node].kind == FormulaNode::Kind::number) numbers.push_back(syntax_[node].number);
    for (std::size_t operand : syntax_[node].operands) numbers.push_back(syntax_[operand].number);
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
  [[noreturn]] void fail(const char* name, const std::string& found) const {
    syntax_.fail(find(name), found);
  }

 private:
  /// The node that sets it; the call itself where none does.
  std::size_t find(const std::string& name) const {
    const FormulaNode& call = syntax_[call_];
    for (std::size_t k = 0; k < call.settings.size(); ++k)
      if (call.settings[k] == name) return call.operands[k + 1];
    return call_;
  }

  const FormulaSyntax& syntax_;
  std::size_t call_;
};

/// Sets knots and width of a spline whose columns without knots are `columns`.
void set_knots(const Settings& settings, const std::string& function, Index columns,
               FormulaVariable& spline) {
  if (settings.has("df") && settings.has("knots"))
    settings.fail("knots", "df and knots, expected one of them");
  const Index least = std::max<Index>(columns, 1);
  const Index df = settings.whole("df", 1, max_df, least);
  if (df < least) {
    settings.fail("df", fmt::format("df = {}, but {} has at least {} columns", df, function, least));
  }
  spline.knots = settings.rising("knots");
  spline.num_knots = settings.has("knots") ? static_cast<Index>(spline.knots.size()) : df - columns;
  spline.width = columns + spline.num_knots;
}

FormulaVariable basis(const FormulaSyntax& syntax, const TableNames& names, std::size_t node) {
  const FormulaNode& call = syntax[node];
  const Settings settings(syntax, node);
  FormulaVariable variable{call.text == "poly" ? Kind::poly
                           : call.text == "bs" ? Kind::bs
                                               : Kind::ns,
                           syntax.written(node), names.number(call.operands.front())};
  if (variable.kind == Kind::poly) {
    variable.degree = variable.width = settings.whole("degree", 1, max_degree, 1);
    return variable;
  }
  variable.intercept = settings.flag("intercept");
  if (variable.kind == Kind::bs) variable.degree = settings.whole("degree", 1, max_degree, 3);
  const Index columns = (variable.kind == Kind::bs ? variable.degree : 1) + (variable.intercept ? 1 : 0);
  set_knots(settings, call.text, columns, variable);
  return variable;
}

FormulaVariable factor_of(const FormulaSyntax& syntax, const TableNames& names, std::size_t node) {
  const std::size_t of = syntax[node].operands.front();
  if (syntax[of].kind == FormulaNode::Kind::name) {
    const Index column = names.column(of);
    if (names.schema()[column].type == ColumnType::factor) {
      FormulaVariable variable = column_variable(names, column);
      variable.name = syntax.written(node);
      return variable;
    }
  }
  return {Kind::numbers_factor, syntax.written(node), names.number(of), -1, 0};
}

}  // namespace

FormulaVariable column_variable(const TableNames& names, Index column) {
  const TableColumn& of = names.schema()[column];
  // In backticks where it could be taken for a call, a column of a matrix or an interaction.
  const bool is_plain = of.name.find_first_of("()[]:") == std::string::npos;
  FormulaVariable variable{Kind::factor, is_plain ? of.name : formula_name(of.name), {}, column, 0};
  if (of.type == ColumnType::matrix) {
    variable.kind = Kind::matrix;
    variable.width = of.width;
  } else if (of.type != ColumnType::factor) {
    variable = {Kind::number, variable.name, {of.name, {names.step(column)}}};
  }
  return variable;
}

FormulaVariable formula_variable(const FormulaSyntax& syntax, const TableNames& names, std::size_t node) {
  if (syntax[node].kind == FormulaNode::Kind::name) return column_variable(names, names.column(node));
  switch (formula_function(syntax[node].text)->kind) {
    case FormulaFunction::Kind::basis:
      return basis(syntax, names, node);
    case FormulaFunction::Kind::factor:
      return factor_of(syntax, names, node);
    default:
      return {Kind::number, syntax.written(node), names.number(node)};
  }
}

FormulaVariable outcome_variable(const FormulaSyntax& syntax, const TableNames& names, std::size_t node) {
  if (syntax[node].kind == FormulaNode::Kind::name) {
    const Index column = names.column(node);
    if (names.schema()[column].type == ColumnType::factor) return column_variable(names, column);
  }
  NumberExpression of = names.number(node);
  const std::string name = syntax[node].kind == FormulaNode::Kind::name ? syntax[node].text : of.name;
  return {Kind::number, name, std::move(of)};
}

}  // namespace vfe
