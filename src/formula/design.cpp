#include "vfe/formula/design.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

namespace vfe {

namespace {

using Kind = FormulaVariable::Kind;

constexpr int no_rows_in_it = -2;

/// Sets `product` to every column of a times every column of b, those of a running fastest.
void multiply_columns(ConstMat a, ConstMat b, Mat product) {
  for (Index j = 0; j < b.cols(); ++j)
    for (Index i = 0; i < a.cols(); ++i) product.col(j * a.cols() + i) = a.col(i).cwiseProduct(b.col(j));
}

}  // namespace

Design::Design(DesignPlan plan, std::vector<Vector> statistics)
    : plan_(std::move(plan)), statistics_(std::move(statistics)) {
  const std::vector<FormulaVariable>& variables = plan_.terms_.variables;
  splines_.resize(variables.size());
  polynomials_.resize(variables.size());
  for (std::size_t i = 0; i < variables.size(); ++i) {
    const FormulaVariable& variable = variables[i];
    const auto known = [&]() -> const Vector& { return statistics_[plan_.basis_needs_[i]]; };
    if (variable.kind == Kind::poly) polynomials_[i] = Polynomials::of(known());
    if (variable.kind == Kind::bs || variable.kind == Kind::ns) {
      splines_[i].emplace(
          variable.kind == Kind::bs ? SplineBasis::Kind::b_splines : SplineBasis::Kind::natural, known()[0],
          known()[1], std::vector<double>(known().begin() + 2, known().end()), variable.degree,
          variable.intercept);
    }
  }
  std::vector<Index> num_cells;
  for (std::size_t need : plan_.cells_) {
    const Index size = plan_.needs_[need].cells.size(statistics_);
    const Vector& empty = statistics_[need];
    num_cells.push_back(size - empty.size());
    places_.emplace_back();
    if (empty.size() == 0) continue;
    std::vector<int>& places = places_.back();
    places.assign(static_cast<std::size_t>(size), 0);
    for (double cell : empty) places[static_cast<std::size_t>(cell)] = no_rows_in_it;
    int next = 0;
    for (int& place : places)
      if (place == 0) place = next++;
  }
  const auto place = [&](DesignTerm& term, Index& next) {
    term.first_coefficient = next;
    if (term.index >= 0) term.num_cells = num_cells[static_cast<std::size_t>(term.index)];
    next += term.num_coefficients();
  };
  for (DesignTerm& term : plan_.design_terms_) place(term, num_coefficients_);
  for (std::vector<DesignTerm>& terms : plan_.effect_terms_)
    for (DesignTerm& term : terms) place(term, num_effects_);
}

std::string Design::level_name(const CellFactor& factor, Index level) const {
  const auto i = static_cast<std::size_t>(level);
  return factor.slot >= 0 ? factor.levels[i] : fmt::format("{}", statistics_[factor.statistic][level]);
}

/// By factor: "colour[green]".
std::vector<std::string> Design::cell_names(const Cells& cells, Index cell) const {
  std::vector<std::string> names;
  for (std::size_t f = 0; f < cells.factors.size(); ++f) {
    const CellFactor& factor = cells.factors[f];
    const Index coded = cells.coded(f, statistics_);
    names.push_back(factor.name + "[" + level_name(factor, cell % coded + (factor.is_full ? 0 : 1)) + "]");
    cell /= coded;
  }
  return names;
}

std::vector<std::string> Design::coefficient_names() const {
  std::vector<std::string> names;
  for (std::size_t t = 0; t < terms().size(); ++t) add_names(terms()[t], plan_.terms_.terms[t], names);
  return names;
}

/// Of each coefficient.
void Design::add_names(const DesignTerm& term, const FormulaTerm& of, std::vector<std::string>& names) const {
  const bool has_cells = term.index >= 0;
  const std::size_t index = has_cells ? static_cast<std::size_t>(term.index) : 0;
  const Cells* cells = has_cells ? &plan_.needs_[plan_.cells_[index]].cells : nullptr;
  const Index size = has_cells ? cells->size(statistics_) : 1;
  for (Index cell = 0; cell < size; ++cell) {
    const bool is_empty = has_cells && !places_[index].empty() &&
                          places_[index][static_cast<std::size_t>(cell)] == no_rows_in_it;
    if (is_empty) continue;
    const std::vector<std::string> levels = has_cells ? cell_names(*cells, cell) : std::vector<std::string>();
    for (Index j = 0; j < term.width; ++j) names.push_back(coefficient_name(of, levels, j));
  }
}

std::vector<GroupKey> Design::keys() const {
  std::vector<GroupKey> keys;
  for (const DesignPlan::Key& key : plan_.keys_) {
    const TableColumn& column = plan_.schema_[key.column];
    keys.push_back({column.name, std::ssize(column.levels), {}});
    if (keys.back().num_levels <= most_named_levels) keys.back().levels = column.levels;
  }
  return keys;
}

std::vector<GroupEffects> Design::effects() const {
  std::vector<GroupEffects> effects;
  Index first = 0;
  for (std::size_t e = 0; e < plan_.effect_terms_.size(); ++e) {
    const GroupTerms& of = plan_.terms_.effects[e];
    GroupEffects one{.name = of.name,
                     .keys = plan_.effect_keys_[e],
                     .first_column = first,
                     .has_intercept = of.has_intercept,
                     .correlated = of.correlated};
    if (of.has_intercept) one.columns.push_back({.name = "intercept", .source = "intercept"});
    auto design_term = plan_.effect_terms_[e].begin() + (of.has_intercept ? 1 : 0);
    for (const FormulaTerm& term : of.terms) {
      std::vector<std::string> names;
      add_names(*design_term++, term, names);
      for (std::string& name : names) one.columns.push_back({.name = std::move(name), .source = term.name});
    }
    first += one.size();
    effects.push_back(std::move(one));
  }
  return effects;
}

std::string Design::coefficient_name(const FormulaTerm& term, const std::vector<std::string>& levels,
                                     Index number) const {
  std::string name;
  auto level = levels.begin();
  for (std::size_t place : term.variables) {
    const FormulaVariable& variable = plan_.terms_.variables[place];
    if (!name.empty()) name += ":";
    if (variable.is_factor()) {
      name += *level++;
      continue;
    }
    name += variable.name;
    if (variable.width > 1) name += fmt::format("[{}]", number % variable.width + 1);
    number /= variable.width;
  }
  return name;
}

std::vector<std::string> Design::empty_cells() const {
  std::vector<std::string> names;
  std::set<std::string> known;  // of another term, which codes other levels
  for (std::size_t need : plan_.cells_) {
    for (double cell : statistics_[need]) {
      std::string name =
          fmt::format("{}", fmt::join(cell_names(plan_.needs_[need].cells, static_cast<Index>(cell)), ":"));
      if (known.insert(name).second) names.push_back(std::move(name));
    }
  }
  return names;
}

std::optional<UnusableValue> Design::evaluate_variable(std::size_t place, const TableRows& rows,
                                                       Mat columns) const {
  const FormulaVariable& variable = plan_.terms_.variables[place];
  if (variable.kind == Kind::matrix) {
    rows.read_matrix(plan_.slots_[static_cast<std::size_t>(variable.column)], columns);
    if (columns.allFinite()) return std::nullopt;
    Index row = 0, column = 0;
    while (columns.row(row).allFinite()) ++row;
    while (std::isfinite(columns(row, column))) ++column;
    return UnusableValue{row, fmt::format("{}[{}] is {}, expected a finite number", variable.name, column + 1,
                                          columns(row, column))};
  }
  if (variable.kind == Kind::number) return variable.of.evaluate(rows, statistics_, columns.col(0));
  Vector x(rows.num_rows);
  if (auto unusable = variable.of.evaluate(rows, statistics_, x)) return unusable;
  if (variable.kind == Kind::poly) {
    polynomials_[place]->evaluate(x, columns);
  } else {
    splines_[place]->evaluate(x, columns);
  }
  return std::nullopt;
}

std::optional<UnusableValue> Design::evaluate_products(const TableRows& rows, Mat numbers) const {
  // Variables that are no columns by themselves, evaluated once each.
  std::map<std::size_t, Matrix> variables;
  for (const DesignPlan::Product& product : plan_.products_) {
    Mat columns = numbers.middleCols(product.column, product.width);
    if (product.variables.size() == 1) {
      if (auto unusable = evaluate_variable(product.variables.front(), rows, columns)) return unusable;
      continue;
    }
    Matrix so_far, wider;
    for (std::size_t place : product.variables) {
      const auto [found, is_new] = variables.try_emplace(place);
      Matrix& factor = found->second;
      if (is_new) {
        factor.resize(rows.num_rows, plan_.terms_.variables[place].width);
        if (auto unusable = evaluate_variable(place, rows, factor)) return unusable;
      }
      if (so_far.cols() == 0) {
        so_far = factor;
        continue;
      }
      wider.resize(rows.num_rows, so_far.cols() * factor.cols());
      multiply_columns(so_far, factor, wider);
      so_far.swap(wider);
    }
    columns = so_far;
  }
  return std::nullopt;
}

std::optional<UnusableValue> Design::evaluate_cells(std::size_t index, const TableRows& rows,
                                                    Eigen::Ref<Eigen::VectorXi> cells) const {
  const Cells& of = plan_.needs_[plan_.cells_[index]].cells;
  if (auto unusable = of.evaluate(rows, statistics_, cells)) return unusable;
  const std::vector<int>& places = places_[index];
  if (places.empty()) return std::nullopt;
  for (Index i = 0; i < cells.size(); ++i) {
    if (cells[i] < 0) continue;
    const int place = places[static_cast<std::size_t>(cells[i])];
    if (place == no_rows_in_it) {
      return UnusableValue{
          i, fmt::format("{}, which no row of the fit had", fmt::join(cell_names(of, cells[i]), ":"))};
    }
    cells[i] = place;
  }
  return std::nullopt;
}

std::optional<UnusableValue> Design::evaluate_terms(const TableRows& rows, DesignRows& design) const {
  design.numbers.resize(rows.num_rows, num_numbers());
  design.cells.resize(rows.num_rows, num_indices());
  if (auto unusable = evaluate_products(rows, design.numbers)) return unusable;
  for (std::size_t index = 0; index < places_.size(); ++index) {
    if (auto unusable = evaluate_cells(index, rows, design.cells.col(static_cast<Index>(index))))
      return unusable;
  }
  evaluate_effects(design);
  design.offset.resize(plan_.terms_.offsets.empty() ? 0 : rows.num_rows);
  design.offset.setZero();
  Vector one(design.offset.size());
  for (const NumberExpression& offset : plan_.terms_.offsets) {
    if (auto unusable = offset.evaluate(rows, statistics_, one)) return unusable;
    design.offset += one;
  }
  return evaluate_optional(plan_.terms_.trials, rows, design.trials);
}

std::optional<UnusableValue> Design::evaluate_groups(const TableRows& rows, DesignRows& design) const {
  design.groups.resize(rows.num_rows, std::ssize(plan_.keys_));
  for (std::size_t k = 0; k < plan_.keys_.size(); ++k) {
    if (auto unusable = evaluate_key(plan_.keys_[k], rows, design.groups.col(static_cast<Index>(k))))
      return unusable;
  }
  return std::nullopt;
}

/// Of the numbers and cells that are set.
void Design::evaluate_effects(DesignRows& design) const {
  const Index num_rows = design.numbers.rows();
  design.effects.setZero(num_rows, num_effects_);
  for (const std::vector<DesignTerm>& terms : plan_.effect_terms_) {
    for (const DesignTerm& term : terms) {
      for (Index row = 0; row < num_rows; ++row) {
        const Index cell = term.index < 0 ? 0 : design.cells(row, term.index);
        if (cell < 0) continue;
        const Index first = term.first_coefficient + cell * term.width;
        for (Index j = 0; j < term.width; ++j)
          design.effects(row, first + j) = term.column < 0 ? 1.0 : design.numbers(row, term.column + j);
      }
    }
  }
}

std::optional<UnusableValue> Design::evaluate_key(
    const DesignPlan::Key& key, const TableRows& rows,
    Eigen::Ref<Eigen::Matrix<std::int64_t, -1, 1>> groups) const {
  const TableColumn& column = plan_.schema_[key.column];
  const Index slot = plan_.slots_[static_cast<std::size_t>(key.column)];
  const auto unusable = [&](Index row, const std::string& found) {
    return UnusableValue{row, fmt::format("{} is {}, expected a whole number", column.name, found)};
  };
  if (column.type == ColumnType::factor) {
    Eigen::VectorXi codes(rows.num_rows);
    if (auto found = key.levels.evaluate(rows, statistics_, codes)) return found;
    groups = codes.cast<std::int64_t>();
  } else if (column.type == ColumnType::integer) {
    groups = rows.integers.col(slot);
    for (Index row = 0; row < rows.num_rows; ++row)
      if (groups[row] == TableRows::missing_integer) return unusable(row, "missing");
  } else {
    // Beyond these, whole numbers that differ are stored as the same.
    const bool is_single = std::holds_alternative<TableRows::RowMajor<float>>(rows.numbers);
    const double most = is_single ? 0x1p24 : 0x1p53;
    Vector numbers(rows.num_rows);
    rows.read_number(slot, numbers);
    for (Index row = 0; row < rows.num_rows; ++row) {
      const double number = numbers[row];
      if (std::isnan(number)) return unusable(row, "missing");
      if (std::floor(number) != number) return unusable(row, fmt::format("{}", number));
      if (std::abs(number) >= most) {
        return UnusableValue{row,
                             fmt::format("{} is {}, expected a whole number below {} in magnitude: larger "
                                         "ones are not told apart as they are stored",
                                         column.name, number, most)};
      }
      groups[row] = static_cast<std::int64_t>(number);
    }
  }
  return std::nullopt;
}

std::optional<UnusableValue> Design::evaluate_optional(const std::optional<NumberExpression>& of,
                                                       const TableRows& rows, Vector& values) const {
  values.resize(of ? rows.num_rows : 0);
  if (!of) return std::nullopt;
  return of->evaluate(rows, statistics_, values);
}

std::optional<UnusableValue> Design::evaluate_response(const TableRows& rows, Vector& response) const {
  return evaluate_outcome(plan_.terms_.response, rows, response);
}

CellFactor Design::levels_of(const FormulaVariable& outcome) const {
  CellFactor levels{.name = outcome.name, .is_full = true};
  if (outcome.kind == Kind::factor) {
    levels.slot = plan_.slots_[static_cast<std::size_t>(outcome.column)];
    levels.levels = plan_.schema_[outcome.column].levels;
  } else {
    levels.of = outcome.of;
    levels.statistic = plan_.response_need_;
  }
  return levels;
}

std::vector<std::string> Design::response_levels() const {
  std::vector<std::string> names;
  if (!formula().response.is_factor()) return names;
  const Cells levels{{levels_of(formula().response)}};
  for (Index level = 0; level < levels.levels(0, statistics_); ++level)
    names.push_back(level_name(levels.factors.front(), level));
  return names;
}

std::optional<UnusableValue> Design::evaluate_outcome(const FormulaVariable& variable, const TableRows& rows,
                                                      Vector& values) const {
  values.resize(rows.num_rows);
  if (!variable.is_factor()) return variable.of.evaluate(rows, statistics_, values);
  Eigen::VectorXi codes(rows.num_rows);
  if (auto unusable = Cells{{levels_of(variable)}}.evaluate(rows, statistics_, codes)) return unusable;
  values = codes.cast<double>();
  return std::nullopt;
}

std::optional<UnusableValue> Design::evaluate(const TableRows& rows, DesignRows& design) const {
  if (auto unusable = evaluate_terms(rows, design)) return unusable;
  if (auto unusable = evaluate_groups(rows, design)) return unusable;
  const FormulaTerms& terms = plan_.terms_;
  if (auto unusable = evaluate_response(rows, design.response)) return unusable;
  if (auto unusable = evaluate_optional(terms.weights, rows, design.weights)) return unusable;
  design.censoring.resize(0);
  if (terms.censoring) return evaluate_outcome(*terms.censoring, rows, design.censoring);
  return std::nullopt;
}

}  // namespace vfe
