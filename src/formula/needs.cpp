#include "vfe/formula/needs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "formula/need_search.hpp"
#include "vfe/core/error.hpp"

namespace vfe {

namespace {

constexpr Index max_cells = 10'000'000;

/// Codes of the levels of a factor, by row.
std::optional<UnusableValue> read_codes(const CellFactor& factor, const TableRows& rows,
                                        const std::vector<Vector>& statistics, Eigen::VectorXi& codes) {
  if (factor.slot >= 0) {
    codes = rows.codes.col(factor.slot);
    const auto num_levels = static_cast<int>(factor.levels.size());
    if (((codes.array() >= 0) && (codes.array() < num_levels)).all()) return std::nullopt;
    Index row = 0;
    while (codes[row] >= 0 && codes[row] < num_levels) ++row;
    return UnusableValue{row, codes[row] == -1 ? factor.name + " is missing, expected a level"
                                               : fmt::format("{} has the code {}, expected one from 0 to {}",
                                                             factor.name, codes[row], num_levels - 1)};
  }
  Vector values(rows.num_rows);
  if (auto unusable = factor.of.evaluate(rows, statistics, values)) return unusable;
  const Vector& levels = statistics[factor.statistic];
  codes.resize(rows.num_rows);
  for (Index i = 0; i < codes.size(); ++i) {
    const auto level = std::lower_bound(levels.begin(), levels.end(), values[i]);
    if (level == levels.end() || *level != values[i]) {
      return UnusableValue{i, fmt::format("{}: {} is none of its levels", factor.name, values[i])};
    }
    codes[i] = static_cast<int>(level - levels.begin());
  }
  return std::nullopt;
}

/// The needs that must be met before this one.
std::vector<std::size_t> needed_before(const DesignNeed& need) {
  std::vector<std::size_t> before;
  const auto add = [&](const NumberExpression& of) {
    for (const ExpressionStep& step : of.steps)
      if (step.is_statistical()) before.push_back(step.statistic);
  };
  add(need.of);
  for (const CellFactor& factor : need.cells.factors) {
    add(factor.of);
    if (factor.slot < 0) before.push_back(factor.statistic);
  }
  return before;
}

}  // namespace

Index Cells::levels(std::size_t factor, const std::vector<Vector>& statistics) const {
  const CellFactor& of = factors[factor];
  return of.slot >= 0 ? static_cast<Index>(of.levels.size()) : statistics[of.statistic].size();
}

Index Cells::coded(std::size_t factor, const std::vector<Vector>& statistics) const {
  return levels(factor, statistics) - (factors[factor].is_full ? 0 : 1);
}

Index Cells::size(const std::vector<Vector>& statistics) const {
  Index size = 1;
  std::string name;
  for (std::size_t f = 0; f < factors.size(); ++f) {
    size *= coded(f, statistics);
    name += (f == 0 ? "" : ":") + factors[f].name;
    if (size > max_cells) {
      throw Error(Fault::config,
                  fmt::format("formula: {} has more than {} combinations of levels", name, max_cells));
    }
  }
  return size;
}

std::optional<UnusableValue> Cells::evaluate(const TableRows& rows, const std::vector<Vector>& statistics,
                                             Eigen::Ref<Eigen::VectorXi> cells) const {
  cells.setZero();
  Eigen::VectorXi codes;
  int stride = 1;
  for (std::size_t f = 0; f < factors.size(); ++f) {
    if (auto unusable = read_codes(factors[f], rows, statistics, codes)) return unusable;
    if (!factors[f].is_full) codes.array() -= 1;
    cells = (cells.array() < 0 || codes.array() < 0).select(-1, cells + stride * codes);
    stride *= static_cast<int>(coded(f, statistics));
  }
  return std::nullopt;
}

void NeedSums::add(const NeedSums& other) {
  rows += other.rows;
  sums.add(other.sums);
  low = std::min(low, other.low);
  high = std::max(high, other.high);
  for (std::size_t i = 0; i < counts.size(); ++i) counts[i] += other.counts[i];
  levels.insert(other.levels.begin(), other.levels.end());
}

DesignStatistics::DesignStatistics(std::vector<DesignNeed> needs)
    : needs_(std::move(needs)), values_(needs_.size()), known_(needs_.size(), false) {
  for (const DesignNeed& need : needs_) searches_.push_back(Search::of(need));
}

DesignStatistics::~DesignStatistics() = default;

bool DesignStatistics::is_known() const {
  return std::all_of(known_.begin(), known_.end(), [](bool known) { return known; });
}

bool DesignStatistics::is_active(std::size_t need) const {
  const std::vector<std::size_t> before = needed_before(needs_[need]);
  return !known_[need] && std::all_of(before.begin(), before.end(), [&](std::size_t i) { return known_[i]; });
}

std::vector<NeedSums> DesignStatistics::begin_pass() const {
  std::vector<NeedSums> pass(needs_.size());
  for (std::size_t i = 0; i < needs_.size(); ++i)
    if (is_active(i)) pass[i] = searches_[i]->begin(values_);
  return pass;
}

std::optional<UnusableValue> DesignStatistics::add(const TableRows& rows, std::vector<NeedSums>& pass) const {
  for (std::size_t i = 0; i < needs_.size(); ++i) {
    if (!is_active(i)) continue;
    pass[i].rows += rows.num_rows;
    if (auto unusable = searches_[i]->add(rows, values_, pass[i])) return unusable;
  }
  return std::nullopt;
}

void DesignStatistics::end_pass(const std::vector<NeedSums>& pass) {
  std::vector<std::size_t> active;
  for (std::size_t i = 0; i < needs_.size(); ++i)
    if (is_active(i)) active.push_back(i);
  for (std::size_t i : active) {
    if (pass[i].rows == 0) throw Error(Fault::data, "formula: the table has no rows");
    if (std::optional<Vector> value = searches_[i]->end(pass[i])) {
      values_[i] = std::move(*value);
      known_[i] = true;
    }
  }
}

}  // namespace vfe
