#include "statistics/prepared_draws.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <numeric>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/statistics/rounding.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr double negligible = 1e-14;  // share of the weights
constexpr Index num_folds = 5;
constexpr Index fewest_draws = 20, fewest_groups = 2;

void check_sizes(const Draws& draws, ConstMat values, const Affine& whitening,
                 const std::vector<Index>& coordinate) {
  const Index n = draws.theta.cols(), d = whitening.size();
  const auto count = [](const std::vector<Index>& list) { return static_cast<Index>(list.size()); };
  const bool matrices = draws.theta.rows() == d && draws.gradient.rows() == d && draws.gradient.cols() == n &&
                        values.cols() == n;
  const bool lists = (draws.log_weight.size() == 0 || draws.log_weight.size() == n) &&
                     (coordinate.empty() || count(coordinate) == values.rows()) &&
                     (draws.group.empty() || count(draws.group) == n);
  const bool coordinates =
      std::all_of(coordinate.begin(), coordinate.end(), [&](Index j) { return j >= -1 && j < d; });
  if (matrices && lists && coordinates) return;
  throw Error(
      Fault::bug,
      fmt::format("estimating moments of {} values from {} draws in {} dimensions: gradients {} x {}, "
                  "values of {} draws, {} log weights, {} coordinates, {} groups do not fit",
                  values.rows(), n, d, draws.gradient.rows(), draws.gradient.cols(), values.cols(),
                  draws.log_weight.size(), count(coordinate), count(draws.group)));
}

/// Shares of the weights, sum 1.
Vector shares(const Draws& draws) {
  const Index n = draws.theta.cols();
  if (draws.log_weight.size() == 0) return Vector::Constant(n, 1.0 / static_cast<double>(n));
  return weights_of(draws.log_weight, "estimating moments").normalised;
}

/// The draws that count, in their order. Notes in `sample` those that should but cannot.
std::vector<Index> usable(const Draws& draws, ConstMat values, const Vector& weight, PreparedDraws& sample) {
  std::vector<Index> kept;
  for (Index s = 0; s < weight.size(); ++s) {
    if (!(weight(s) >= negligible)) continue;
    if (draws.theta.col(s).allFinite() && draws.gradient.col(s).allFinite() && values.col(s).allFinite()) {
      kept.push_back(s);
    } else {
      ++sample.non_finite;
      sample.lost_weight += weight(s);
    }
  }
  if (!kept.empty()) return kept;
  throw Error(Fault::numeric,
              fmt::format("estimating moments from {} draws: found none with a weight above 0 and finite "
                          "theta, gradient and values ({} with a weight were not finite)",
                          weight.size(), sample.non_finite));
}

/// For each of the draws kept, its group from 0 on, in ascending order of the caller's numbers.
std::vector<Index> renumber(const std::vector<Index>& group, const std::vector<Index>& kept) {
  std::vector<Index> found;
  for (Index s : kept) found.push_back(group[static_cast<std::size_t>(s)]);
  std::vector<Index> different = found;
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  for (Index& number : found)
    number = std::lower_bound(different.begin(), different.end(), number) - different.begin();
  return found;
}

/// Sorts the draws kept by fold and describes the result, but for the weights.
stein::Design divide(const std::vector<Index>& group, std::vector<Index>& kept) {
  const auto n = static_cast<Index>(kept.size());
  const bool grouped = !group.empty();
  const std::vector<Index> number = grouped ? renumber(group, kept) : std::vector<Index>();
  stein::Design design;
  design.num_groups = grouped ? *std::max_element(number.begin(), number.end()) + 1 : n;
  // Neighbours go to different folds, so that what changes along the draws (rounds of proposals) is in all.
  const auto fold = [&](Index i) { return (grouped ? number[static_cast<std::size_t>(i)] : i) % num_folds; };
  std::vector<Index> order(kept.size());
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return fold(a) < fold(b); });

  std::vector<Index> sorted;
  for (Index i = 0; i < n; ++i) {
    const Index from = order[static_cast<std::size_t>(i)];
    if (i == 0 || fold(from) != fold(order[static_cast<std::size_t>(i - 1)])) design.fold_begin.push_back(i);
    if (grouped) design.group.push_back(number[static_cast<std::size_t>(from)]);
    sorted.push_back(kept[static_cast<std::size_t>(from)]);
  }
  design.fold_begin.push_back(n);
  kept = sorted;
  return design;
}

void standardise(PreparedDraws& sample) {
  sample.centre.resize(sample.z.rows());
  sample.scale.resize(sample.z.rows());
  for (Index k = 0; k < sample.z.rows(); ++k) {
    auto row = sample.z.row(k);
    const double centre = row.dot(sample.design.weight);
    row.array() -= centre;
    const double range = row.cwiseAbs().maxCoeff();
    sample.centre(k) = centre;
    if (!std::isfinite(range)) {
      sample.scale(k) = infinity;
      row.setZero();
    } else if (constant_to_rounding(range, centre)) {
      sample.scale(k) = 0.0;
      row.setZero();
    } else {
      // In units of the range first: squares of large values would overflow.
      row /= range;
      const double sd = std::sqrt(row.cwiseAbs2().dot(sample.design.weight));
      row /= sd;
      sample.scale(k) = range * sd;
    }
  }
}

}  // namespace

PreparedDraws prepare(const Draws& draws, ConstMat values, const Affine& whitening,
                      const std::vector<Index>& coordinate) {
  check_sizes(draws, values, whitening, coordinate);
  PreparedDraws sample;
  const Vector weight = shares(draws);
  std::vector<Index> kept = usable(draws, values, weight, sample);
  sample.design = divide(draws.group, kept);
  sample.design.weight = weight(kept);
  sample.design.weight /= sample.design.weight.sum();
  sample.enough =
      static_cast<Index>(kept.size()) >= fewest_draws && sample.design.num_groups >= fewest_groups;

  sample.u = whitening.whiten(draws.theta(Eigen::all, kept));
  sample.gradient = whitening.pull_back(draws.gradient(Eigen::all, kept));
  sample.z = values(Eigen::all, kept);
  standardise(sample);
  return sample;
}

WeightedQuantiles::WeightedQuantiles(ConstVec values, ConstVec weight)
    : sorted_(values.size()), probability_(values.size()) {
  std::vector<Index> order(static_cast<std::size_t>(values.size()));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return values(a) < values(b); });
  double below = 0.0;
  for (Index i = 0; i < values.size(); ++i) {
    const Index s = order[static_cast<std::size_t>(i)];
    sorted_(i) = values(s);
    probability_(i) = below + 0.5 * weight(s);
    below += weight(s);
  }
}

double WeightedQuantiles::at(double probability) const {
  const Index n = sorted_.size();
  const Index above =
      std::lower_bound(probability_.begin(), probability_.end(), probability) - probability_.begin();
  if (above == 0) return sorted_(0);
  if (above == n) return sorted_(n - 1);
  const double step = probability_(above) - probability_(above - 1);
  const double share = step > 0.0 ? (probability - probability_(above - 1)) / step : 1.0;
  return sorted_(above - 1) + share * (sorted_(above) - sorted_(above - 1));
}

}  // namespace vfe
