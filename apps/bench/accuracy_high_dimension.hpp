// Targets of 52 to 2,000 dimensions, all but one with exact answers.
#pragma once
#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <utility>
#include <vector>

#include "reference/traps.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/function.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// Group g has 3 to 8 trials, each a success with log odds mu + tau effect_g. Priors: mu ~ normal(0, 2),
/// log tau ~ normal(0, 1), effect_g ~ normal(0, 1). Parameters mu, log_tau, effect [G].
class HierarchicalLogistic {
 public:
  explicit HierarchicalLogistic(Index groups) : trials_(groups), successes_(groups) {
    constexpr double mu = 0.5, tau = 0.8;
    for (Index g = 0; g < groups; ++g) {
      const Address at{.seed = 29, .purpose = Purpose::simulate, .block = static_cast<std::uint32_t>(g)};
      trials_[g] = 3.0 + std::floor(6.0 * uniform(at, 0));
      const double p = 1.0 / (1.0 + std::exp(-mu - tau * normal(at, 2)));
      successes_[g] = 0.0;
      for (Index t = 0; t < static_cast<Index>(trials_[g]); ++t)
        successes_[g] += uniform(at, static_cast<std::uint32_t>(4 + t)) < p ? 1.0 : 0.0;
    }
  }

  double log_density(ConstVec x, Vec grad) const {
    const Index groups = trials_.size();
    const double mu = x[0], tau = std::exp(x[1]);
    const auto effect = x.tail(groups).array();
    const Eigen::ArrayXd eta = mu + tau * effect, small = (-eta.abs()).exp();
    const double value = log_prior(x[0], x[1]) +
                         (successes_ * eta - trials_ * (eta.max(0.0) + (1.0 + small).log())).sum() -
                         0.5 * effect.square().sum() - static_cast<double>(groups) * log_sqrt_two_pi;
    if (grad.size() > 0) {
      const Eigen::ArrayXd p = (eta > 0.0).select(1.0 / (1.0 + small), small / (1.0 + small));
      const Eigen::ArrayXd residual = successes_ - trials_ * p;
      grad[0] += residual.sum() - x[0] / 4.0;
      grad[1] += tau * (residual * effect).sum() - x[1];
      grad.tail(groups) += (tau * residual - effect).matrix();
    }
    return value;
  }

  /// Exact: for every (mu, log tau) of a grid the effects are independent, and groups alike in trials and
  /// successes share their integrals, a sum over nodes of the effect. All three by the trapezium rule, whose
  /// error falls exponentially.
  ExactTarget target(const std::string& name) const {
    const Index groups = trials_.size();
    const Grid grid = coarse_to_fine();
    Vector mean = Vector::Zero(groups + 2), square = Vector::Zero(groups + 2);
    double sum = 0.0;
    std::map<Kind, std::pair<double, double>> effects;  // sums of weight x E[effect], weight x E[effect^2]
    for (const Point& point : grid.points) {
      const double weight = std::exp(point.log_weight - grid.largest);
      sum += weight;
      mean.head<2>() += weight * Eigen::Vector2d(point.mu, point.log_tau);
      square.head<2>() += weight * Eigen::Vector2d(point.mu * point.mu, point.log_tau * point.log_tau);
      if (weight < 1e-16) continue;
      for (const auto& [kind, integral] : integrals(point.mu, point.log_tau)) {
        effects[kind].first += weight * integral.first;
        effects[kind].second += weight * integral.second;
      }
    }
    for (Index g = 0; g < groups; ++g) {
      const auto& [first, second] = effects.at(kind(g));
      mean[g + 2] = first;
      square[g + 2] = second;
    }
    mean /= sum;
    square /= sum;
    return {.name = name,
            .model = make_model({{"mu"}, {"log_tau"}, {"effect", {{"group", groups, {}}}}},
                                [own = *this](ConstVec x, Vec grad) { return own.log_density(x, grad); }),
            .mean = mean,
            .sd = (square.array() - mean.array().square()).sqrt().matrix(),
            .log_z = std::log(sum * grid.step_mu * grid.step_log_tau) + grid.largest};
  }

 private:
  using Kind = std::pair<int, int>;  ///< trials, successes
  struct Integral {
    double log_value, first, second;  ///< of the likelihood over the effect; moments of the effect
  };
  struct Point {
    double mu, log_tau, log_weight;
  };
  struct Grid {
    std::vector<Point> points;
    double largest, step_mu, step_log_tau;
  };
  static constexpr double log_sqrt_two_pi = 0.91893853320467274178;

  static double log_prior(double mu, double log_tau) {
    return -mu * mu / 8.0 - 0.5 * log_tau * log_tau - std::log(2.0) - 2.0 * log_sqrt_two_pi;
  }
  Kind kind(Index g) const { return {static_cast<int>(trials_[g]), static_cast<int>(successes_[g])}; }

  std::map<Kind, Integral> integrals(double mu, double log_tau) const {
    constexpr Index nodes = 161;
    const Eigen::ArrayXd effect = Eigen::ArrayXd::LinSpaced(nodes, -10.0, 10.0);
    const Eigen::ArrayXd eta = mu + std::exp(log_tau) * effect;
    const Eigen::ArrayXd log_cosh_part = eta.max(0.0) + (1.0 + (-eta.abs()).exp()).log();
    const Eigen::ArrayXd log_normal =
        -0.5 * effect.square() - log_sqrt_two_pi + std::log(effect[1] - effect[0]);
    std::map<Kind, Integral> found;
    for (const auto& [kind, ignored] : counts()) {
      const Eigen::ArrayXd weight = (kind.second * eta - kind.first * log_cosh_part + log_normal).exp();
      const double sum = weight.sum();
      found[kind] = {std::log(sum), (weight * effect).sum() / sum, (weight * effect.square()).sum() / sum};
    }
    return found;
  }
  std::map<Kind, Index> counts() const {
    std::map<Kind, Index> counts;
    for (Index g = 0; g < trials_.size(); ++g) ++counts[kind(g)];
    return counts;
  }

  /// The posterior of (mu, log tau) on a rectangle.
  Grid grid(double mu_low, double mu_high, double log_tau_low, double log_tau_high, Index points) const {
    Grid grid{{},
              -std::numeric_limits<double>::infinity(),
              (mu_high - mu_low) / static_cast<double>(points - 1),
              (log_tau_high - log_tau_low) / static_cast<double>(points - 1)};
    for (Index i = 0; i < points; ++i) {
      for (Index j = 0; j < points; ++j) {
        Point point{mu_low + static_cast<double>(i) * grid.step_mu,
                    log_tau_low + static_cast<double>(j) * grid.step_log_tau, 0.0};
        point.log_weight = log_prior(point.mu, point.log_tau);
        const auto found = integrals(point.mu, point.log_tau);
        for (const auto& [kind, count] : counts())
          point.log_weight += static_cast<double>(count) * found.at(kind).log_value;
        grid.largest = std::max(grid.largest, point.log_weight);
        grid.points.push_back(point);
      }
    }
    return grid;
  }
  /// A first look at all that the priors allow says where there is weight.
  Grid coarse_to_fine() const {
    const Grid coarse = grid(-6.0, 6.0, -6.0, 4.0, 81);
    double mu_low = 6.0, mu_high = -6.0, log_tau_low = 4.0, log_tau_high = -6.0;
    for (const Point& point : coarse.points) {
      if (point.log_weight < coarse.largest - 36.0) continue;
      mu_low = std::min(mu_low, point.mu - coarse.step_mu);
      mu_high = std::max(mu_high, point.mu + coarse.step_mu);
      log_tau_low = std::min(log_tau_low, point.log_tau - coarse.step_log_tau);
      log_tau_high = std::max(log_tau_high, point.log_tau + coarse.step_log_tau);
    }
    return grid(mu_low, mu_high, log_tau_low, log_tau_high, 101);
  }

  Eigen::ArrayXd trials_, successes_;
};

/// Columns of correlation 0.7^|i - j|, half of the coefficients zero. No exact answer.
inline ExactTarget simulated_logistic(Index columns, Index num_rows) {
  DesignSchema schema;
  schema.blocks = Blocks::of_equal(num_rows, 250);
  schema.response = "y";
  for (Index j = 0; j < columns; ++j) schema.columns.push_back({.name = "x" + std::to_string(j + 1)});
  Matrix noise(columns + 1, num_rows);
  fill_normal({.seed = 31, .purpose = Purpose::simulate}, noise);
  Vector truth(columns);
  for (Index j = 0; j < columns; ++j)
    truth[j] = j % 2 == 0
                   ? 0.3 * normal({.seed = 31, .purpose = Purpose::truth}, static_cast<std::uint32_t>(j))
                   : 0.0;
  Rows rows;
  rows.blocks = schema.blocks;
  rows.y.resize(num_rows);
  for (Index j = 1; j < columns; ++j) noise.row(j) = 0.7 * noise.row(j - 1) + std::sqrt(0.51) * noise.row(j);
  for (Index i = 0; i < num_rows; ++i) {
    const double p = 1.0 / (1.0 + std::exp(-noise.col(i).head(columns).dot(truth)));
    rows.y[i] = 0.5 * std::erfc(-noise(columns, i) / std::numbers::sqrt2) < p ? 1.0 : 0.0;
  }
  rows.x = Rows::RowMajor<double>(noise.topRows(columns).transpose());
  return {.name = "syn" + std::to_string(columns),
          .model = std::make_shared<Glm>(
              GlmOptions{.likelihood = Likelihood::logistic, .intercept = false, .prior_scale = 1.0},
              rows_in_memory(schema, std::move(rows)))};
}

}  // namespace vfe
