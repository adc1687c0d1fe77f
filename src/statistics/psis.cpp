#include "vfe/statistics/psis.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

constexpr double flat = 0.01;  // [nats] weights within this have no tail whose shape could matter

/// Throws unless every log weight is a number or -infinity.
void check(ConstVec log_weights) {
  for (Index s = 0; s < log_weights.size(); ++s) {
    if (std::isnan(log_weights(s)) || log_weights(s) == infinity) {
      throw Error(Fault::numeric,
                  fmt::format("weighing draws: the log weight of draw {} is {}, expected a finite "
                              "number or -inf",
                              s, log_weights(s)));
    }
  }
}

/// Quantile function of the generalised Pareto distribution.
double pareto_quantile(double probability, const ParetoFit& fit) {
  const double exponential = -std::log1p(-probability);
  if (std::abs(fit.shape) < std::numeric_limits<double>::epsilon()) return fit.scale * exponential;
  return fit.scale * std::expm1(fit.shape * exponential) / fit.shape;
}

/// What a tail is like: its shape, the shape's standard error, and how far it reaches [nats].
struct Tail {
  double shape = infinity, error = 0.0, span = infinity;
};

/// Replaces the tail of x (log weights, at most 0) by the order statistics expected of the generalised Pareto
/// distribution fitted to it.
Tail smooth_tail(Vector& x) {
  // With fewer the fit means nothing.
  constexpr Index fewest = 5;
  const Index draws = x.size();
  const double count = static_cast<double>(draws);
  const auto length = static_cast<Index>(std::ceil(std::min(count / 5.0, 3.0 * std::sqrt(count))));
  if (length < fewest) return {};
  if (x.minCoeff() > -flat) return {0.0, 0.0, 0.0};

  std::vector<Index> order(static_cast<std::size_t>(draws));
  std::iota(order.begin(), order.end(), Index{0});
  std::stable_sort(order.begin(), order.end(), [&](Index a, Index b) { return x(a) < x(b); });
  // Weights below the smallest normal number are no part of a tail.
  const double cutoff = std::max(x(order[static_cast<std::size_t>(draws - length - 1)]),
                                 std::log(std::numeric_limits<double>::min()));
  if (cutoff > -1e-6) return {0.0, 0.0, 0.0};
  const auto first = std::find_if(order.begin(), order.end(), [&](Index s) { return x(s) > cutoff; });
  const std::vector<Index> tail(first, order.end());
  const auto size = static_cast<Index>(tail.size());
  if (size < fewest) return {};

  const double base = std::exp(cutoff);
  const ParetoFit fit = fit_pareto(x(tail).array().exp() - base);
  if (!std::isfinite(fit.shape) || !(fit.scale > 0.0)) return {};
  for (Index i = 0; i < size; ++i) {
    const double probability = (static_cast<double>(i) + 0.5) / static_cast<double>(size);
    const double smoothed = std::log(pareto_quantile(probability, fit) + base);
    x(tail[static_cast<std::size_t>(i)]) = std::min(smoothed, 0.0);  // 0: the largest raw weight
  }
  return {fit.shape, (1.0 + std::max(fit.shape, 0.0)) / std::sqrt(static_cast<double>(size)), -cutoff};
}

}  // namespace

ParetoFit fit_pareto(ConstVec exceedances) {
  Vector x = exceedances;
  std::sort(x.begin(), x.end());
  const Index n = x.size();
  const double count = static_cast<double>(n);
  const auto quartile = std::max<Index>(static_cast<Index>(count / 4.0 + 0.5) - 1, 0);

  // The profile likelihood of b = -k / scale on a grid, under a prior in units of the first quartile.
  const Index points = 30 + static_cast<Index>(std::sqrt(count));
  Vector b(points), log_likelihood(points);
  for (Index j = 0; j < points; ++j) {
    const double ratio = static_cast<double>(points) / (static_cast<double>(j) + 0.5);
    b(j) = (1.0 - std::sqrt(ratio)) / (3.0 * x(quartile)) + 1.0 / x(n - 1);
    const double k = (-b(j) * x.array()).log1p().mean();
    const double rate = k == 0.0 ? 1.0 / x.mean() : -b(j) / k;  // 1 / scale; the limit is the exponential
    log_likelihood(j) = count * (std::log(rate) - k - 1.0);
  }
  Vector weight(points);
  for (Index j = 0; j < points; ++j)
    weight(j) = 1.0 / (log_likelihood.array() - log_likelihood(j)).exp().sum();
  const double negligible = 10.0 * std::numeric_limits<double>::epsilon();
  weight = (weight.array() >= negligible).select(weight, 0.0);

  const double b_mean = weight.dot(b) / weight.sum();
  const double k = (-b_mean * x.array()).log1p().mean();
  constexpr double prior_count = 10.0, prior_shape = 0.5;
  return {.shape = (count * k + prior_count * prior_shape) / (count + prior_count), .scale = -k / b_mean};
}

Psis psis(ConstVec log_weights) {
  check(log_weights);
  Psis result{.log_weights = log_weights, .khat = infinity};
  Vector& x = result.log_weights;
  const double largest = x.size() > 0 ? x.maxCoeff() : -infinity;
  if (largest == -infinity) return result;
  x.array() -= largest;
  const Tail tail = smooth_tail(x);
  result.khat = tail.shape;
  result.khat_error = tail.error;
  result.span = tail.span;
  x.array() -= std::log(x.array().exp().sum());
  result.ess = 1.0 / (2.0 * x.array()).exp().sum();
  return result;
}

double khat_threshold(Index num_draws) {
  if (num_draws < 2) return -infinity;
  return std::min(1.0 - 1.0 / std::log10(static_cast<double>(num_draws)), 0.7);
}

std::vector<Index> resample(ConstVec log_weights, Index count, double u) {
  check(log_weights);
  const double largest = log_weights.size() > 0 ? log_weights.maxCoeff() : -infinity;
  if (largest == -infinity) {
    throw Error(Fault::numeric,
                fmt::format("resampling {} draws: found no weight above 0", log_weights.size()));
  }
  Vector cumulative(log_weights.size());
  double total = 0.0;
  Index last = 0;  // that can be drawn
  for (Index s = 0; s < cumulative.size(); ++s) {
    const double weight = std::exp(log_weights(s) - largest);  // Eigen's exp(-infinity) is not 0
    if (weight > 0.0) last = s;
    cumulative(s) = total += weight;
  }
  std::vector<Index> drawn;
  drawn.reserve(static_cast<std::size_t>(count));
  Index s = 0;
  for (Index i = 0; i < count; ++i) {
    const double position = total * ((static_cast<double>(i) + u) / static_cast<double>(count));
    while (s < last && cumulative(s) <= position) ++s;
    drawn.push_back(s);
  }
  return drawn;
}

}  // namespace vfe
