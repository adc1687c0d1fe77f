#include "vfe/formula/terms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "formula/coded_terms.hpp"
#include "formula/group_terms.hpp"
#include "formula/table_names.hpp"
#include "formula/term_set.hpp"
#include "formula/variables.hpp"

namespace vfe {

namespace {

constexpr std::size_t max_terms = 100000;
constexpr double max_products = 1e7;  // of terms, in one step of an operator

/// What part of a formula means: terms, and what it says of the intercept.
struct Meaning {
  TermSet terms;
  std::optional<bool> intercept;
  bool is_only_added = false;  ///< holds an intercept, offset, weights or effects, which no product may
};

class Expansion {
 public:
  Expansion(const FormulaSyntax& syntax, const TableSchema& schema)
      : syntax_(syntax), names_(syntax, schema), names_groups_(nodes_of_groupings(syntax)) {
    result_.formula = syntax.text;
    read_response();
    find_others_of_the_rows();
    const std::size_t first = syntax_[syntax_.right].first;
    for (std::size_t i = first; i <= syntax_.right; ++i) meanings_.push_back(meaning(i));
    Meaning& whole = meanings_.back();
    result_.has_intercept = whole.intercept.value_or(true);
    result_.terms = coded_terms(whole.terms.terms(), result_.variables, result_.has_intercept);
    refuse_single_levels(result_.terms);
    for (const GroupTerms& of : result_.effects) refuse_single_levels(of.terms);
  }

  FormulaTerms result() { return std::move(result_); }

 private:
  Meaning& of(std::size_t node) { return meanings_[node - syntax_[syntax_.right].first]; }

  void read_response() {
    result_.response = outcome_variable(syntax_, names_, syntax_.response);
    for (std::size_t addition : syntax_.additions) {
      const std::size_t of = syntax_[addition].operands.front();
      if (syntax_[addition].text == "trials") result_.trials = names_.number(of);
      if (syntax_[addition].text == "weights") result_.weights = names_.number(of);
      if (syntax_[addition].text == "cens") result_.censoring = outcome_variable(syntax_, names_, of);
      exclude_from_dot(addition);
    }
    exclude_from_dot(syntax_.response);
    names_.set_response(names_.columns_of(syntax_.response));
  }

  /// Offsets, weights and groups, which are found before the first dot is.
  void find_others_of_the_rows() {
    for (std::size_t i = syntax_[syntax_.right].first; i <= syntax_.right; ++i) {
      const bool is_call = syntax_[i].kind == FormulaNode::Kind::call;
      if (is_call && (syntax_[i].text == "offset" || syntax_[i].text == "weights")) exclude_from_dot(i);
      if (syntax_[i].kind == FormulaNode::Kind::group) exclude_from_dot(syntax_[i].operands[1]);
    }
  }

  void exclude_from_dot(std::size_t node) { not_in_dot_.merge(names_.columns_of(node)); }

  Meaning meaning(std::size_t node) {
    const FormulaNode& here = syntax_[node];
    if (here.arithmetic || names_groups_[node]) return {};
    switch (here.kind) {
      case FormulaNode::Kind::name:
        return {TermSet({variable(syntax_.written(node), formula_variable(syntax_, names_, node), node)}),
                {},
                false};
      case FormulaNode::Kind::dot:
        return all_columns(node);
      case FormulaNode::Kind::number:
        return {{}, here.number == 1.0, true};
      case FormulaNode::Kind::call:
        return call(node);
      case FormulaNode::Kind::parentheses:
        return std::move(of(here.operands[0]));
      case FormulaNode::Kind::unary:
        if (here.text == "+") return std::move(of(here.operands[0]));
        return difference(node, {}, of(here.operands[0]));
      case FormulaNode::Kind::group:
        return group(node);
      default:
        return operation(node);
    }
  }

  /// Of what is left when the formula has taken away what it does: ". - colour" says how to.
  void refuse_single_levels(const std::vector<FormulaTerm>& terms) const {
    for (const FormulaTerm& term : terms) {
      for (std::size_t place : term.variables) {
        const FormulaVariable& variable = result_.variables[place];
        if (variable.kind != FormulaVariable::Kind::factor) continue;
        const TableColumn& column = names_.schema()[variable.column];
        if (column.levels.size() < 2) fail_single_level(nodes_[place], column);
      }
    }
  }

  [[noreturn]] void fail_single_level(std::size_t node, const TableColumn& column) const {
    if (syntax_[node].kind == FormulaNode::Kind::dot) {
      syntax_.fail(
          node, fmt::format("the factor \"{}\" among all columns has {}, expected two or more levels; "
                            "leave it out: . - {}",
                            column.name, column.levels.empty() ? "none" : "one", formula_name(column.name)));
    }
    syntax_.fail(node, column.levels.empty()
                           ? fmt::format("the factor \"{}\" has no level, expected two or more", column.name)
                           : fmt::format("the factor \"{}\" has one level, \"{}\", expected two or more",
                                         column.name, column.levels.front()));
  }

  Meaning all_columns(std::size_t node) {
    Meaning all;
    const TableSchema& schema = names_.schema();
    for (Index i = 0; i < schema.size(); ++i) {
      const TableColumn& column = schema[i];
      if (column.type == ColumnType::matrix) continue;
      if (not_in_dot_.contains(i)) continue;
      all.terms.add({variable(formula_name(column.name), column_variable(names_, i), node)});
    }
    return all;
  }

  Meaning call(std::size_t node) {
    const FormulaNode& here = syntax_[node];
    const FormulaFunction::Kind kind = formula_function(here.text)->kind;
    if (kind == FormulaFunction::Kind::offset) {
      result_.offsets.push_back(names_.number(here.operands.front()));
      return {{}, {}, true};
    }
    if (kind == FormulaFunction::Kind::weights) {
      if (result_.weights) syntax_.fail(node, "two weights");
      result_.weights = names_.number(here.operands.front());
      return {{}, {}, true};
    }
    return {
        TermSet({variable(syntax_.written(node), formula_variable(syntax_, names_, node), node)}), {}, false};
  }

  Meaning group(std::size_t node) {
    const Meaning& left = of(syntax_[node].operands[0]);
    GroupTerms effects{.has_intercept = left.intercept.value_or(true),
                       .correlated = syntax_[node].text == "|"};
    effects.terms = coded_terms(left.terms.terms(), result_.variables, effects.has_intercept);
    add_effects(syntax_, names_, node, std::move(effects), result_.variables, result_.effects);
    return {{}, {}, true};
  }

  /// The place of a variable among all, which is known by how it is written.
  std::size_t variable(std::string written, FormulaVariable variable, std::size_t node) {
    const auto [place, is_new] = places_.emplace(std::move(written), result_.variables.size());
    if (is_new) {
      result_.variables.push_back(std::move(variable));
      nodes_.emplace_back();
    }
    nodes_[place->second] = node;
    return place->second;
  }

  Meaning difference(std::size_t node, Meaning left, const Meaning& right) {
    refuse_without_what_is_added(node);
    left.terms.remove(right.terms);
    if (right.intercept) left.intercept = !*right.intercept;
    left.is_only_added = left.is_only_added || right.is_only_added;
    return left;
  }

  /// What is behind a minus sign may hold terms and an intercept alone.
  void refuse_without_what_is_added(std::size_t node) {
    if (const std::optional<std::size_t> i = added(syntax_[node].operands.back()))
      syntax_.fail(*i, fmt::format("{} behind a minus sign", syntax_.written(*i)));
  }

  /// The first offset, weights or effects of groups that a node holds.
  std::optional<std::size_t> added(std::size_t node) const {
    for (std::size_t i = syntax_[node].first; i <= node; ++i) {
      const FormulaNode& here = syntax_[i];
      const bool is_call = here.kind == FormulaNode::Kind::call && !here.arithmetic;
      if (here.kind == FormulaNode::Kind::group ||
          (is_call && (here.text == "offset" || here.text == "weights"))) {
        return i;
      }
    }
    return std::nullopt;
  }

  Meaning operation(std::size_t node) {
    const FormulaNode& here = syntax_[node];
    Meaning left = std::move(of(here.operands[0]));
    const Meaning& right = of(here.operands[1]);
    if (here.text == "-") return difference(node, std::move(left), right);
    if (here.text == "+") {
      left.terms.add(right.terms);
      if (right.intercept) left.intercept = right.intercept;
      left.is_only_added = left.is_only_added || right.is_only_added;
      return limited(node, std::move(left));
    }
    refuse_in_product(here.operands[0], left);
    if (here.text == "^") return limited(node, {raised(node, left.terms), {}, false});
    refuse_in_product(here.operands[1], right);
    limit(node, static_cast<double>(left.terms.size()) * static_cast<double>(right.terms.size()),
          max_products);
    if (here.text == "/") return limited(node, {nested(left.terms, right.terms), {}, false});
    if (here.text == "%in%") return limited(node, {within(left.terms, right.terms), {}, false});
    TermSet products = interactions(left.terms, right.terms, max_terms);
    if (here.text == ":") return limited(node, {std::move(products), {}, false});
    left.terms.add(right.terms);
    left.terms.add(products);
    return limited(node, std::move(left));
  }

  void refuse_in_product(std::size_t node, const Meaning& operand) const {
    if (operand.is_only_added) {
      if (const std::optional<std::size_t> i = added(node))
        syntax_.fail(*i, fmt::format("{} within a product, expected terms", syntax_.written(*i)));
      syntax_.fail(node, "an intercept within a product, expected terms");
    }
    if (operand.terms.size() == 0) syntax_.fail(node, "no term is left here, expected some in a product");
  }

  TermSet raised(std::size_t node, const TermSet& terms) {
    const FormulaNode& exponent = syntax_[syntax_[node].operands[1]];
    if (exponent.number < 1.0 || std::floor(exponent.number) != exponent.number) {
      syntax_.fail(syntax_[node].operands[1],
                   fmt::format("the power {}, expected a whole number above 0", exponent.number));
    }
    const double size = static_cast<double>(terms.size());
    TermSet product = terms;
    for (int k = 1; k < static_cast<int>(std::min(exponent.number, size)); ++k) {
      limit(node, static_cast<double>(product.size()) * size, max_products);
      const std::size_t before = product.size();
      product = interactions(product, terms, max_terms);
      limit(node, static_cast<double>(product.size()), static_cast<double>(max_terms));
      if (product.size() == before) break;
    }
    return product;
  }

  void limit(std::size_t node, double terms, double most) const {
    if (terms > most) syntax_.fail(node, fmt::format("more than {} terms", max_terms));
  }
  Meaning limited(std::size_t node, Meaning meaning) const {
    limit(node, static_cast<double>(meaning.terms.size()), static_cast<double>(max_terms));
    return meaning;
  }

  const FormulaSyntax& syntax_;
  TableNames names_;
  FormulaTerms result_;
  std::vector<bool> names_groups_;  ///< by node
  std::set<Index> not_in_dot_;
  std::unordered_map<std::string, std::size_t> places_;  ///< of variables, as written
  std::vector<std::size_t> nodes_;                       ///< by variable: the last that names it
  std::vector<Meaning> meanings_;                        ///< of the nodes right of the ~
};

void add_columns(const NumberExpression& of, std::set<std::string>& columns) {
  for (const ExpressionStep& step : of.steps)
    if (!step.column.empty()) columns.insert(step.column);
}

void add_columns(const FormulaVariable& variable, const TableSchema& schema, std::set<std::string>& columns) {
  if (variable.column >= 0) columns.insert(schema[variable.column].name);
  add_columns(variable.of, columns);
}

}  // namespace

std::set<std::string> FormulaTerms::needed_columns(const TableSchema& schema) const {
  std::set<std::string> columns;
  for (const FormulaVariable& variable : variables) add_columns(variable, schema, columns);
  for (const NumberExpression& offset : offsets) add_columns(offset, columns);
  if (trials) add_columns(*trials, columns);
  return columns;
}

std::set<std::string> FormulaTerms::group_columns(const TableSchema& schema) const {
  std::set<std::string> columns;
  for (const GroupTerms& of : effects)
    for (Index column : of.columns) columns.insert(schema[column].name);
  return columns;
}

std::set<std::string> FormulaTerms::response_columns(const TableSchema& schema) const {
  std::set<std::string> columns;
  add_columns(response, schema, columns);
  return columns;
}

std::set<std::string> FormulaTerms::outcome_columns(const TableSchema& schema) const {
  std::set<std::string> columns = response_columns(schema);
  if (weights) add_columns(*weights, columns);
  if (censoring) add_columns(*censoring, schema, columns);
  return columns;
}

FormulaTerms expand_terms(const FormulaSyntax& syntax, const TableSchema& schema) {
  return Expansion(syntax, schema).result();
}

}  // namespace vfe
