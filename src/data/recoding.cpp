#include "vfe/data/recoding.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/data/csv.hpp"

namespace vfe {
namespace {

std::vector<std::string> names_of(const std::vector<Column>& columns) {
  std::vector<std::string> names;
  for (const Column& column : columns) names.push_back(column.name);
  return names;
}

/// Columns that are the indicators of a factor.
std::vector<Index> indicators_of(const Schema& schema, const std::string& source) {
  std::vector<Index> found;
  for (Index j = 0; j < schema.num_columns(); ++j) {
    const Column& column = schema.columns[static_cast<std::size_t>(j)];
    if (column.source == source && !column.level.empty()) found.push_back(j);
  }
  return found;
}

/// What levels that are all numbers stand for; empty where one is none.
std::vector<double> numbers_of(const std::vector<std::string>& levels) {
  std::vector<double> numbers;
  for (const std::string& level : levels) {
    const ParsedField field = parse_field(level);
    if (field.kind != FieldKind::number) return {};
    numbers.push_back(field.number);
  }
  return numbers;
}

}  // namespace

Recoding::Recoding(const Dataset& from, const Schema& to) : from_(from), to_(to) {
  match_columns();
  match_response();
  if (to_.has_offset && !from_.schema().has_offset) {
    throw Error(Fault::data, fmt::format("{}: has no offset, expected one: the model was fitted with it",
                                         from_.path().string()));
  }
  if (from_.schema().has_offset && !to_.has_offset) {
    notes_.push_back("the offset is not used: the model was fitted without one");
  }
}

void Recoding::match_columns() {
  const Schema& from = from_.schema();
  std::set<std::string> used;
  for (const Column& column : to_.columns) {
    used.insert(column.source);
    if (!column.level.empty()) {
      match_indicator(column);
      continue;
    }
    const auto found = std::ranges::find_if(
        from.columns, [&](const Column& other) { return other.name == column.name && other.level.empty(); });
    if (found == from.columns.end()) {
      const bool is_factor = !indicators_of(from, column.source).empty();
      const std::vector<std::string> near = nearest(column.name, names_of(from.columns), 1);
      throw Error(
          Fault::data,
          fmt::format("{}: {}", from_.path().string(),
                      is_factor
                          ? fmt::format("column {} is a factor, expected numbers as in the fit", column.name)
                          : fmt::format("has no column {}, which the model needs{}", column.name,
                                        near.empty() ? "" : "; the nearest is " + near.front())));
    }
    rules_.push_back({{found - from.columns.begin()}, false});
  }
  std::set<std::string> unused;
  for (const Column& column : from.columns) {
    if (!used.contains(column.source)) unused.insert(column.source);
  }
  if (!unused.empty()) notes_.push_back(fmt::format("columns not used: {}", fmt::join(unused, ", ")));
}

void Recoding::match_indicator(const Column& column) {
  const Schema& from = from_.schema();
  const std::vector<Index> indicators = indicators_of(from, column.source);
  if (indicators.empty()) {
    const bool is_number = std::ranges::count(names_of(from.columns), column.source) > 0;
    throw Error(
        Fault::data,
        is_number ? fmt::format("{}: column {} holds numbers, expected the levels of a factor as in the fit",
                                from_.path().string(), column.source)
                  : fmt::format("{}: has no factor {} of several levels, which the model needs",
                                from_.path().string(), column.source));
  }
  Rule rule;
  for (const Index j : indicators) {
    if (from.columns[static_cast<std::size_t>(j)].level == column.level) rule.sum = {j};
  }
  if (from.columns[static_cast<std::size_t>(indicators.front())].reference == column.level) {
    rule = {indicators, true};
  }
  rules_.push_back(rule);  // a level that `from` does not have: no row has it, the sum is empty
  match_levels_of(column.source);
}

void Recoding::match_levels_of(const std::string& source) {
  if (std::ranges::any_of(factors_, [&](const Factor& factor) { return factor.source == source; })) return;
  std::set<std::string> known;
  for (const Index j : indicators_of(to_, source)) {
    known.insert(to_.columns[static_cast<std::size_t>(j)].level);
    known.insert(to_.columns[static_cast<std::size_t>(j)].reference);
  }
  Factor factor{source, indicators_of(from_.schema(), source), {}, false};
  for (const Index j : factor.indicators) {
    const Column& column = from_.schema().columns[static_cast<std::size_t>(j)];
    if (!known.contains(column.level)) factor.unknown.push_back(j);
    factor.reference_is_unknown = !known.contains(column.reference);
  }
  factors_.push_back(std::move(factor));
}

void Recoding::match_response() {
  const std::vector<std::string>& from = from_.schema().response_levels;
  const std::vector<std::string>& to = to_.response_levels;
  numbers_of_levels_ = from.empty() ? numbers_of(to) : std::vector<double>();
  if (from.empty() != to.empty() && numbers_of_levels_.empty()) {
    throw Error(Fault::data,
                fmt::format("{}: the response {} holds {}, expected {} as in the fit", from_.path().string(),
                            from_.schema().response, from.empty() ? "numbers" : "levels",
                            to.empty() ? "numbers" : "levels"));
  }
  for (const std::string& level : from) {
    const auto found = std::ranges::find(to, level);
    response_code_.push_back(found == to.end() ? -1.0 : static_cast<double>(found - to.begin()));
  }
  if (from_.schema().response != to_.response) {
    notes_.push_back(
        fmt::format("the response is named {}, in the fit {}", from_.schema().response, to_.response));
  }
}

double Recoding::value(const Rows& rows, Index row, Index column) const {
  const Column& coding = from_.schema().columns[static_cast<std::size_t>(column)];
  return coding.centre +
         coding.scale *
             std::visit([&](const auto& x) { return static_cast<double>(x(row, column)); }, rows.x);
}

void Recoding::check_levels(const Rows& rows, Index row) const {
  const auto refuse = [&](const std::string& source, const std::string& level) {
    throw Error(Fault::data,
                fmt::format("{}: {}: level {} of {} is not one of the fit's", from_.path().string(),
                            from_.name_row(rows.first_row + row), level, source));
  };
  const std::vector<Column>& columns = from_.schema().columns;
  for (const Factor& factor : factors_) {
    for (const Index j : factor.unknown) {
      if (value(rows, row, j) > 0.5) refuse(factor.source, columns[static_cast<std::size_t>(j)].level);
    }
    if (factor.reference_is_unknown &&
        std::ranges::none_of(factor.indicators, [&](Index j) { return value(rows, row, j) > 0.5; })) {
      refuse(factor.source, columns[static_cast<std::size_t>(factor.indicators.front())].reference);
    }
  }
}

double Recoding::code_of_number(const Rows& rows, Index row) const {
  const auto found = std::ranges::find(numbers_of_levels_, rows.y[row]);
  if (found == numbers_of_levels_.end()) {
    throw Error(Fault::data, fmt::format("{}: {}: response {} is not one of the fit's: {}",
                                         from_.path().string(), from_.name_row(rows.first_row + row),
                                         rows.y[row], fmt::join(to_.response_levels, ", ")));
  }
  return static_cast<double>(found - numbers_of_levels_.begin());
}

Rows Recoding::operator()(const Rows& rows) const {
  Rows recoded;
  recoded.first_row = rows.first_row;
  recoded.first_block = rows.first_block;
  recoded.blocks = rows.blocks;
  recoded.y = rows.y;
  if (to_.has_offset) recoded.offset = rows.offset;
  Rows::RowMajor<double> x(rows.size(), to_.num_columns());
  for (Index row = 0; row < rows.size(); ++row) {
    check_levels(rows, row);
    for (Index j = 0; j < to_.num_columns(); ++j) {
      const Rule& rule = rules_[static_cast<std::size_t>(j)];
      const Column& coding = to_.columns[static_cast<std::size_t>(j)];
      double raw = 0.0;
      for (const Index k : rule.sum) raw += value(rows, row, k);
      if (rule.complement) raw = 1.0 - raw;
      x(row, j) = (raw - coding.centre) / coding.scale;
    }
    if (!numbers_of_levels_.empty()) {
      recoded.y[row] = code_of_number(rows, row);
      continue;
    }
    if (response_code_.empty()) continue;
    const auto code = static_cast<std::size_t>(rows.y[row]);
    if (code >= response_code_.size() || response_code_[code] < 0.0) {
      throw Error(Fault::data, fmt::format("{}: {}: response {} is not one of the fit's: {}",
                                           from_.path().string(), from_.name_row(rows.first_row + row),
                                           code < response_code_.size() ? from_.schema().response_levels[code]
                                                                        : fmt::format("{}", rows.y[row]),
                                           fmt::join(to_.response_levels, ", ")));
    }
    recoded.y[row] = response_code_[code];
  }
  recoded.x = std::move(x);
  return recoded;
}

}  // namespace vfe
