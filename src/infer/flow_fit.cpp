#include "vfe/infer/flow_fit.hpp"

#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "infer/flow_objective.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/infer/lbfgs.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

constexpr Index history = 20;
constexpr double draws_per_coefficient = 12.0;
constexpr Index few_squared = 8;
constexpr double negligible = 1e-12;  // a weight, against the largest

using Rows = std::vector<Index>;
using Order = std::vector<Index>;

/// Whitened draws, one in a row, and their weights.
struct WhitenedDraws {
  Matrix u;
  Vector weight;

  WhitenedDraws at(const Rows& rows) const {
    WhitenedDraws part{.u = u(rows, Eigen::all), .weight = weight(rows)};
    part.weight /= part.weight.sum();
    return part;
  }
};

/// Natural, reversed, most Gaussian last, most Gaussian first; those that are the same once.
std::vector<Order> candidate_orders(const WhitenedDraws& sample) {
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

/// What is chosen for one coordinate.
struct Kind {
  bool quadratic = false;  ///< its mean
  double stronger = 1.0;   ///< the ridge of its coefficients, times that of the options
};

/// In the order of preference. A ridge costs the coefficients that matter little; the first leaves none but
/// the constants.
constexpr std::array<Kind, 5> candidates = {
    {{false, 1e5}, {false, 1e3}, {false, 32.0}, {false, 1.0}, {true, 32.0}}};

/// A sample with its coordinates in an order, and what conditionals are linear in.
struct Ordered {
  std::vector<Vector> u;
  Vector weight;
  FlowFeatures features;

  Ordered(const WhitenedDraws& sample, const Order& order, Index squared, Index last_quadratic, double reach)
      : weight(sample.weight), features(sample.u.rows(), sample.u.cols(), squared, last_quadratic, reach) {
    for (const Index i : order) {
      u.emplace_back(sample.u.col(i));
      features.append(u.back());
    }
  }
  FlowObjective objective(Index i, const Kind& kind, double nu, double ridge) const {
    return {features, u[static_cast<std::size_t>(i)], weight, i, kind.quadratic, nu, ridge, kind.stronger};
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

/// The kind of a flow: in which order it takes the coordinates, and what each is.
struct Shape {
  Order order;
  Index squared = 0;  ///< see Flow
  std::vector<Kind> kinds;
};

/// The last coordinate whose mean is quadratic, 0 if none is: squares are needed of those before.
Index last_quadratic(const Shape& shape) {
  Index last = 0;
  for (std::size_t i = 0; i < shape.kinds.size(); ++i) {
    if (shape.kinds[i].quadratic) last = static_cast<Index>(i);
  }
  return last;
}

double ridge_per_draw(const WhitenedDraws& sample, const FlowFitOptions& options) {
  return options.ridge / std::max(effective_size(sample.weight), 10.0);
}

/// Of how many of the first coordinates products may enter: of all, if there are draws enough for so many
/// coefficients; else of a few, of which a hierarchy's scales may be the first.
Index num_squared(double ess, Index d) {
  const auto affordable = [&](Index squared) {
    return draws_per_coefficient * static_cast<double>(Flow::num_mean_coefficients(d - 1, true, squared)) <=
           ess;
  };
  if (affordable(d)) return d;
  Index squared = 0;
  while (squared < few_squared && affordable(squared + 1)) ++squared;
  return squared;
}

/// Of all kinds those which do best on the draws held out. Appends the conditionals fitted to the others.
Shape choose_kinds(const WhitenedDraws& sample, const WhitenedDraws& judge, const Order& order,
                   const FlowFitOptions& options, std::vector<Flow::Conditional>& conditionals) {
  const Index d = sample.u.cols();
  const double ridge = ridge_per_draw(sample, options);
  const Index squared = num_squared(effective_size(sample.weight), d), last = squared > 0 ? d - 1 : 0;
  const Ordered fitted(sample, order, squared, last, options.reach),
      judged(judge, order, squared, last, options.reach);
  const FeatureMoments moments(fitted.features, fitted.weight, d, last, 0.2 * ridge);
  Shape shape{.order = order, .squared = squared, .kinds = {}};
  for (Index i = 0; i < d; ++i) {
    Kind best;
    Vector best_parameters;
    double least = infinity;
    for (const Kind& kind : candidates) {
      if (kind.quadratic && (i == 0 || squared == 0)) continue;
      const FlowObjective objective = fitted.objective(i, kind, options.nu, ridge);
      Vector parameters = minimise(objective, moments, options), unused(parameters.size());
      const double loss = judged.objective(i, kind, options.nu, 0.0).evaluate(parameters, unused);
      if (best_parameters.size() > 0 && !(loss < least)) continue;
      least = loss;
      best = kind;
      best_parameters = std::move(parameters);
    }
    shape.kinds.push_back(best);
    conditionals.push_back(fitted.objective(i, best, options.nu, ridge).conditional(best_parameters));
  }
  return shape;
}

/// The flow of a shape, fitted to all draws.
Flow fit_shape(const WhitenedDraws& sample, const Affine& base, const Shape& shape,
               const FlowFitOptions& options) {
  const Index d = sample.u.cols(), last = last_quadratic(shape);
  const double ridge = ridge_per_draw(sample, options);
  const Ordered fitted(sample, shape.order, shape.squared, last, options.reach);
  const FeatureMoments moments(fitted.features, fitted.weight, d, last, 0.2 * ridge);
  std::vector<Flow::Conditional> conditionals;
  for (Index i = 0; i < d; ++i) {
    const Kind& kind = shape.kinds[static_cast<std::size_t>(i)];
    const FlowObjective objective = fitted.objective(i, kind, options.nu, ridge);
    conditionals.push_back(objective.conditional(minimise(objective, moments, options)));
  }
  return {base, shape.order, std::move(conditionals), options.nu, options.reach, shape.squared};
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
  WhitenedDraws sample{.u = base.whiten(draws).transpose(), .weight = weight(kept)};
  sample.weight /= sample.weight.sum();
  const WhitenedDraws to_fit = sample.at(fitted), to_judge = sample.at(held_out);
  const Matrix judged = draws(Eigen::all, held_out);
  Shape best;
  double best_value = -infinity;
  for (const Order& order : candidate_orders(to_fit)) {
    std::vector<Flow::Conditional> conditionals;
    Shape shape = choose_kinds(to_fit, to_judge, order, options, conditionals);
    const Flow flow(base, order, std::move(conditionals), options.nu, options.reach, shape.squared);
    const double value = to_judge.weight.dot(flow.log_density(judged));
    if (best.order.empty() || value > best_value) {
      best = std::move(shape);
      best_value = value;
    }
  }
  return {.flow = fit_shape(sample, base, best, options), .ess = ess, .held_out = best_value};
}

Affine whitening(ConstMat theta, ConstVec log_weight, const Affine& fallback) {
  const Vector weight = normalised_weights(log_weight, "whitening draws");
  const Index d = theta.rows();
  if (effective_size(weight) < 3.0 * static_cast<double>(d)) return fallback;
  // In the coordinates of the fallback, where scales are alike and the added thousandth is one of I.
  const Matrix u = fallback.whiten(theta);
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
