#include "vfe/infer/flow_fit.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <optional>

#include "family/whiten.hpp"
#include "flow_objective.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/lbfgs.hpp"
#include "weights.hpp"

namespace vfe {
namespace {

constexpr Index history = 20;
constexpr double draws_per_coefficient = 12.0;
constexpr double negligible = 1e-12;  // a weight, against the largest
constexpr double infinity = std::numeric_limits<double>::infinity();

using Rows = std::vector<Index>;
using Order = std::vector<Index>;

/// Whitened draws, one in a row, and their weights.
struct Sample {
  Matrix u;
  Vector weight;

  Sample at(const Rows& rows) const {
    Sample part{.u = u(rows, Eigen::all), .weight = weight(rows)};
    part.weight /= part.weight.sum();
    return part;
  }
};

/// Natural, reversed, most Gaussian last, most Gaussian first; those that are the same once.
std::vector<Order> candidate_orders(const Sample& sample) {
  const Index d = sample.u.cols();
  Vector score(d);  // squared skewness and a quarter of squared excess kurtosis
  for (Index i = 0; i < d; ++i) {
    const double mean = sample.weight.dot(sample.u.col(i));
    const Eigen::ArrayXd z = sample.u.col(i).array() - mean;
    const double sd = std::sqrt(sample.weight.dot(z.square().matrix()));
    const Eigen::ArrayXd kept = sd > 0.0 ? Eigen::ArrayXd((z / sd).max(-8.0).min(8.0)) : z;
    const double skewness = sample.weight.dot(kept.cube().matrix());
    const double excess = sample.weight.dot(kept.square().square().matrix()) - 3.0;
    score(i) = skewness * skewness + 0.25 * excess * excess;
  }
  Order natural(static_cast<std::size_t>(d));
  std::iota(natural.begin(), natural.end(), Index{0});
  Order sorted = natural;
  std::stable_sort(sorted.begin(), sorted.end(), [&](Index a, Index b) { return score(a) > score(b); });
  std::vector<Order> orders;
  for (const Order& order :
       {natural, Order(natural.rbegin(), natural.rend()), sorted, Order(sorted.rbegin(), sorted.rend())}) {
    if (std::find(orders.begin(), orders.end(), order) == orders.end()) orders.push_back(order);
  }
  return orders;
}

/// A sample with its coordinates in an order, and what conditionals are linear in. Of the last coordinates no
/// squares are there.
struct Ordered {
  std::vector<Vector> u;
  Vector weight;
  FlowFeatures features;

  Ordered(const Sample& sample, const Order& order, Index num_squared)
      : weight(sample.weight), features(sample.u.rows(), sample.u.cols(), num_squared) {
    for (const Index i : order) {
      u.emplace_back(sample.u.col(i));
      features.append(u.back());
    }
  }
  FlowObjective objective(Index i, bool quadratic, double nu, double ridge) const {
    return {features, u[static_cast<std::size_t>(i)], weight, i, quadratic, nu, ridge};
  }
};

/// The parameters of maximum likelihood.
Vector minimise(const FlowObjective& objective, const FeatureMoments& moments,
                const FlowFitOptions& options) {
  const Vector start = objective.start(moments);
  Vector grad(start.size());
  double value = objective.evaluate(start, grad);
  if (!std::isfinite(value) || !grad.allFinite()) return start;
  Lbfgs search(Vector::Zero(start.size()), value, objective.pull_back(grad, moments, start), history);
  const auto parameters = [&](const Vector& step) -> Vector {
    return start + objective.unwhiten(step, moments, start);
  };
  while (search.decrement() > options.tolerance && search.iterations() < options.max_iterations &&
         !search.stuck()) {
    value = objective.evaluate(parameters(search.trial()), grad);
    search.tell(value, objective.pull_back(grad, moments, start));
  }
  return parameters(search.x());
}

/// The kind of a flow: in which order it takes the coordinates, and which of their means are quadratic.
struct Shape {
  Order order;
  std::vector<bool> quadratic;
};

/// Fits a flow. Where a mean may be quadratic by its shape, but does better without on the draws to judge by
/// (if any), it becomes linear, in the shape too.
Flow fit_shape(const Sample& sample, const Sample* judge, const Affine& base, Shape& shape,
               const FlowFitOptions& options) {
  const Index d = sample.u.cols();
  const double ridge = options.ridge / std::max(effective_size(sample.weight), 10.0);
  Index num_squared = 0;
  for (Index i = 0; i < d; ++i) {
    if (shape.quadratic[static_cast<std::size_t>(i)]) num_squared = i;
  }
  const Ordered fitted(sample, shape.order, num_squared);
  const FeatureMoments moments(fitted.features, fitted.weight, d, num_squared, 0.2 * ridge);
  std::optional<Ordered> judged;
  if (judge != nullptr) judged.emplace(*judge, shape.order, num_squared);

  std::vector<Flow::Conditional> conditionals;
  for (Index i = 0; i < d; ++i) {
    const auto k = static_cast<std::size_t>(i);
    double least = infinity;
    Flow::Conditional best;
    for (const bool quadratic : {true, false}) {
      if (quadratic && !shape.quadratic[k]) continue;
      const bool only = !judged || !shape.quadratic[k];
      if (only && quadratic != shape.quadratic[k]) continue;
      const FlowObjective objective = fitted.objective(i, quadratic, options.nu, ridge);
      const Vector parameters = minimise(objective, moments, options);
      Vector unused(parameters.size());
      const double loss =
          only ? 0.0 : judged->objective(i, quadratic, options.nu, 0.0).evaluate(parameters, unused);
      if (best.mean.size() > 0 && !(loss < least)) continue;
      least = loss;
      best = objective.conditional(parameters);
    }
    shape.quadratic[k] = best.quadratic;
    conditionals.push_back(std::move(best));
  }
  return {base, shape.order, std::move(conditionals), options.nu};
}

/// Means may be quadratic as far as there are draws enough for their coefficients.
Shape first_shape(const Order& order, double ess) {
  Shape shape{.order = order, .quadratic = std::vector<bool>(order.size(), false)};
  for (std::size_t i = 1; i < order.size(); ++i) {
    const Index coefficients = Flow::num_mean_coefficients(static_cast<Index>(i), true);
    shape.quadratic[i] = draws_per_coefficient * static_cast<double>(coefficients) <= ess;
  }
  return shape;
}

}  // namespace

FlowFit fit_flow(ConstMat theta, ConstVec log_weight, const Affine& base, const FlowFitOptions& options) {
  if (theta.rows() != base.size() || theta.cols() != log_weight.size()) {
    throw Error(Fault::bug, fmt::format("fitting a flow of size {}: found {} x {} draws and {} weights",
                                        base.size(), theta.rows(), theta.cols(), log_weight.size()));
  }
  const Vector weight = normalised_weights(log_weight, "fitting a flow");
  const double ess = effective_size(weight), least = negligible * weight.maxCoeff();
  Rows kept;
  for (Index s = 0; s < weight.size(); ++s) {
    if (weight(s) >= least) kept.push_back(s);
  }
  Rows fitted, held_out;  // of the kept
  for (std::size_t k = 0; k < kept.size(); ++k) {
    (k % 3 == 0 && kept.size() > 1 ? held_out : fitted).push_back(static_cast<Index>(k));
  }
  if (held_out.empty()) held_out = fitted;

  const Matrix draws = theta(Eigen::all, kept);
  Sample sample{.u = whiten(base, draws).transpose(), .weight = weight(kept)};
  sample.weight /= sample.weight.sum();
  const Sample to_fit = sample.at(fitted), to_judge = sample.at(held_out);
  const Matrix judged = draws(Eigen::all, held_out);
  Shape best;
  double best_value = -infinity;
  for (const Order& order : candidate_orders(to_fit)) {
    Shape shape = first_shape(order, effective_size(to_fit.weight));
    const Flow flow = fit_shape(to_fit, &to_judge, base, shape, options);
    const double value = to_judge.weight.dot(flow.log_density(judged));
    if (best.order.empty() || value > best_value) {
      best = std::move(shape);
      best_value = value;
    }
  }
  return {.flow = fit_shape(sample, nullptr, base, best, options), .ess = ess, .held_out = best_value};
}

Affine whitening(ConstMat theta, ConstVec log_weight, const Affine& fallback) {
  const Vector weight = normalised_weights(log_weight, "whitening draws");
  const Index d = theta.rows();
  if (effective_size(weight) < 3.0 * static_cast<double>(d)) return fallback;
  // In the coordinates of the fallback, where scales are alike and the added thousandth is one of I.
  const Matrix u = whiten(fallback, theta);
  const Vector mean = u * weight;
  const Matrix centred = (u.colwise() - mean) * weight.cwiseSqrt().asDiagonal();
  Matrix covariance = 1e-3 * Matrix::Identity(d, d);
  covariance.selfadjointView<Eigen::Lower>().rankUpdate(centred);
  const Eigen::LLT<Matrix> cholesky(covariance);
  if (cholesky.info() != Eigen::Success || !mean.allFinite()) return fallback;
  const Matrix lower = cholesky.matrixL();
  const Affine linear{.shift = Vector::Zero(d), .scale = fallback.scale};
  return {.shift = fallback.apply(mean), .scale = linear.apply(lower)};
}

Vector tail_log_weights(ConstMat values, ConstVec log_weight) {
  const Vector weight = normalised_weights(log_weight, "weighting the tails of draws");
  const Matrix finite = values.unaryExpr([](double x) { return std::isfinite(x) ? x : 0.0; });
  const Vector mean = finite * weight;
  const Matrix squares = (finite.colwise() - mean).cwiseAbs2();
  const Vector variance = squares * weight;
  Vector result = log_weight;
  for (Index s = 0; s < result.size(); ++s) {
    double largest = 0.0;
    for (Index j = 0; j < values.rows(); ++j) {
      const bool varies = variance(j) > 1e-24 * mean(j) * mean(j);  // by more than rounding
      if (varies) largest = std::max(largest, squares(j, s) / variance(j));
    }
    result(s) += std::log(std::min(largest, 100.0));
  }
  return result;
}

}  // namespace vfe
