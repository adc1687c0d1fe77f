#include "vfe/formula/terms.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

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
  bool is_only_added = false;  ///< holds an intercept, offset or weights, which no product may
};

class Expansion {
 public:
  Expansion(const FormulaSyntax& syntax, const TableSchema& schema)
      : syntax_(syntax), names_(syntax, schema) {
    result_.formula = syntax.text;
    read_response();
    find_others_of_the_response();
    const std::size_t first = syntax_[syntax_.right].first;
    for (std::size_t i = first; i <= syntax_.right; ++i) meanings_.push_back(meaning(i));
    Meaning& whole = meanings_.back();
    result_.has_intercept = whole.intercept.value_or(true);
    set_terms(whole.terms.terms());
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

  void find_others_of_the_response() {
    for (std::size_t i = syntax_[syntax_.right].first; i <= syntax_.right; ++i) {
      const bool is_call = syntax_[i].kind == FormulaNode::Kind::call;
      if (is_call && (syntax_[i].text == "offset" || syntax_[i].text == "weights")) exclude_from_dot(i);
    }
  }

  void exclude_from_dot(std::size_t node) { not_in_dot_.merge(names_.columns_of(node)); }

  Meaning meaning(std::size_t node) {
    const FormulaNode& here = syntax_[node];
    if (here.arithmetic) return {};
    switch (here.kind) {
      case FormulaNode::Kind::name:
        return {
            TermSet({variable(syntax_.written(node), formula_variable(syntax_, names_, node))}), {}, false};
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
        syntax_.fail(node, fmt::format("no model for the group effects {} yet", syntax_.written(node)));
      default:
        return operation(node);
    }
  }

  Meaning all_columns(std::size_t node) {
    Meaning all;
    const TableSchema& schema = names_.schema();
    for (Index i = 0; i < schema.size(); ++i) {
      const TableColumn& column = schema[i];
      if (column.type == ColumnType::matrix) continue;
      if (not_in_dot_.contains(i)) continue;
      if (column.type == ColumnType::factor && column.levels.size() < 2) {
        syntax_.fail(
            node,
            fmt::format("the factor \"{}\" among all columns has {}, expected two or more levels; "
                        "leave it out: . - {}",
                        column.name, column.levels.empty() ? "none" : "one", formula_name(column.name)));
      }
      all.terms.add({variable(formula_name(column.name), column_variable(names_, i))});
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
    return {TermSet({variable(syntax_.written(node), formula_variable(syntax_, names_, node))}), {}, false};
  }

  /// The place of a variable among all, which is known by how it is written.
  std::size_t variable(std::string written, FormulaVariable variable) {
    const auto [place, is_new] = places_.emplace(std::move(written), result_.variables.size());
    if (is_new) result_.variables.push_back(std::move(variable));
    return place->second;
  }

  Meaning difference(std::size_t node, Meaning left, const Meaning& right) {
    refuse_without_offset(node);
    left.terms.remove(right.terms);
    if (right.intercept) left.intercept = !*right.intercept;
    left.is_only_added = left.is_only_added || right.is_only_added;
    return left;
  }

  /// What is behind a minus sign may be no offset.
  void refuse_without_offset(std::size_t node) {
    const std::size_t right = syntax_[node].operands.back();
    for (std::size_t i = syntax_[right].first; i <= right; ++i) {
      if (syntax_[i].kind == FormulaNode::Kind::call && !syntax_[i].arithmetic &&
          (syntax_[i].text == "offset" || syntax_[i].text == "weights")) {
        syntax_.fail(i, fmt::format("{} behind a minus sign", syntax_.written(i)));
      }
    }
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
      syntax_.fail(node, "an intercept, offset or weights within a product, expected terms");
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

  void set_terms(std::vector<TermKey> terms) {
    std::stable_sort(terms.begin(), terms.end(),
                     [](const TermKey& a, const TermKey& b) { return a.size() < b.size(); });
    bool is_first_factor = !result_.has_intercept;  // all of its levels stand for the intercept
    for (const TermKey& key : terms) {
      FormulaTerm term{"", key, {}};
      for (std::size_t i : key) {
        const FormulaVariable& variable = result_.variables[i];
        term.name += (term.name.empty() ? "" : ":") + variable.name;
        const bool is_full = variable.is_factor() && (is_first_factor || !has_margin(key, i));
        if (variable.is_factor()) is_first_factor = false;
        term.is_full.push_back(is_full);
      }
      for (std::size_t i : key) holders_[i].push_back(result_.terms.size());
      before_.add(key);
      result_.terms.push_back(std::move(term));
    }
  }

  /// Whether a term before holds all variables of this one but that.
  bool has_margin(const TermKey& term, std::size_t variable) {
    TermKey margin;
    std::copy_if(term.begin(), term.end(), std::back_inserter(margin),
                 [&](std::size_t i) { return i != variable; });
    if (margin.empty() || before_.contains(margin)) return true;
    const auto fewer = [&](std::size_t a, std::size_t b) { return holders_[a].size() < holders_[b].size(); };
    const std::size_t rarest = *std::min_element(margin.begin(), margin.end(), fewer);
    return std::any_of(holders_[rarest].begin(), holders_[rarest].end(), [&](std::size_t i) {
      const TermKey& other = result_.terms[i].variables;
      return std::includes(other.begin(), other.end(), margin.begin(), margin.end());
    });
  }

  const FormulaSyntax& syntax_;
  TableNames names_;
  FormulaTerms result_;
  std::set<Index> not_in_dot_;
  std::unordered_map<std::string, std::size_t> places_;  ///< of variables, as written
  std::vector<Meaning> meanings_;                        ///< of the nodes right of the ~
  TermSet before_;                                       ///< terms that are set
  std::unordered_map<std::size_t, std::vector<std::size_t>>
      holders_;  ///< by variable: such terms that hold it
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
