#include "vfe/formula/design_plan.hpp"

#include <algorithm>
#include <utility>

namespace vfe {

namespace {

using Kind = FormulaVariable::Kind;

}  // namespace

DesignPlan::DesignPlan(FormulaTerms terms, const TableSchema& schema)
    : terms_(std::move(terms)), schema_(schema), slots_(schema.slots()) {
  resolve(terms_.response.of);
  response_need_ = need_for(terms_.response);
  for (NumberExpression& offset : terms_.offsets) resolve(offset);
  if (terms_.weights) resolve(*terms_.weights);
  if (terms_.trials) resolve(*terms_.trials);
  if (terms_.censoring) resolve(terms_.censoring->of);
  for (FormulaVariable& variable : terms_.variables) {
    resolve(variable.of);
    basis_needs_.push_back(need_for(variable));
  }
  for (const FormulaTerm& term : terms_.terms) design_terms_.push_back(design_term(term));
  for (const GroupTerms& of : terms_.effects) add_effects(of);
}

DesignTerm DesignPlan::design_term(const FormulaTerm& term) {
  DesignTerm design{term.name};
  std::vector<std::size_t> numeric;
  for (std::size_t variable : term.variables)
    if (!terms_.variables[variable].is_factor()) numeric.push_back(variable);
  if (!numeric.empty()) {
    const Product& product = products_[product_of(numeric)];
    design.column = product.column;
    design.width = product.width;
  }
  if (numeric.size() < term.variables.size()) design.index = cells_of(term);
  return design;
}

void DesignPlan::add_effects(const GroupTerms& of) {
  std::vector<DesignTerm>& terms = effect_terms_.emplace_back();
  if (of.has_intercept) terms.push_back({"intercept"});
  for (const FormulaTerm& term : of.terms) terms.push_back(design_term(term));

  std::vector<Index>& places = effect_keys_.emplace_back();
  for (Index column : of.columns) {
    const auto found = std::ranges::find(keys_, column, &Key::column);
    places.push_back(found - keys_.begin());
    if (found != keys_.end()) continue;
    Key key{column};
    const TableColumn& named = schema_[column];
    if (named.type == ColumnType::factor) {
      key.levels.factors.push_back({.slot = slots_[static_cast<std::size_t>(column)],
                                    .name = named.name,
                                    .levels = named.levels,
                                    .is_full = true});
    }
    keys_.push_back(std::move(key));
  }
}

/// Lets every step that asks for statistics know where they will stand.
void DesignPlan::resolve(NumberExpression& expression) {
  for (std::size_t i = 0; i < expression.steps.size(); ++i) {
    ExpressionStep& step = expression.steps[i];
    if (!step.is_statistical()) continue;
    const bool is_mean = step.kind == ExpressionStep::Kind::center;
    step.statistic = need(
        {is_mean ? DesignNeed::Kind::mean : DesignNeed::Kind::mean_and_sd, expression.part(step.begin, i)});
  }
}

std::size_t DesignPlan::need(DesignNeed need) {
  const auto same = [&](const DesignNeed& other) {
    return other.kind == need.kind && other.of == need.of && other.count == need.count &&
           other.knots == need.knots && other.cells == need.cells;
  };
  const auto found = std::find_if(needs_.begin(), needs_.end(), same);
  if (found != needs_.end()) return static_cast<std::size_t>(found - needs_.begin());
  needs_.push_back(std::move(need));
  return needs_.size() - 1;
}

std::size_t DesignPlan::need_for(const FormulaVariable& variable) {
  switch (variable.kind) {
    case Kind::poly:
      return need({DesignNeed::Kind::polynomials, variable.of, variable.degree});
    case Kind::bs:
    case Kind::ns:
      return need({DesignNeed::Kind::knots, variable.of, variable.num_knots, variable.knots});
    case Kind::numbers_factor:
      return need({DesignNeed::Kind::levels, variable.of});
    default:
      return 0;  // nothing
  }
}

std::size_t DesignPlan::product_of(const std::vector<std::size_t>& variables) {
  const auto [place, is_new] = product_places_.emplace(variables, products_.size());
  if (is_new) {
    Product product{variables, num_numbers_, 1};
    for (std::size_t variable : variables) product.width *= terms_.variables[variable].width;
    num_numbers_ += product.width;
    products_.push_back(std::move(product));
  }
  return place->second;
}

Index DesignPlan::cells_of(const FormulaTerm& term) {
  Cells cells;
  for (std::size_t k = 0; k < term.variables.size(); ++k) {
    const std::size_t place = term.variables[k];
    const FormulaVariable& variable = terms_.variables[place];
    if (!variable.is_factor()) continue;
    CellFactor factor{.name = variable.name, .is_full = term.is_full[k]};
    if (variable.kind == Kind::factor) {
      factor.slot = slots_[static_cast<std::size_t>(variable.column)];
      factor.levels = schema_[variable.column].levels;
    } else {
      factor.of = variable.of;
      factor.statistic = basis_needs_[place];
    }
    cells.factors.push_back(std::move(factor));
  }
  const std::size_t counted = need({.kind = DesignNeed::Kind::cells, .cells = std::move(cells)});
  const auto [place, is_new] = index_places_.emplace(counted, cells_.size());
  if (is_new) cells_.push_back(counted);
  return static_cast<Index>(place->second);
}

}  // namespace vfe
