// A logistic regression of 50 columns with an exact answer.
#pragma once
#include <array>
#include <cmath>
#include <numbers>

#include "reference/exact_target.hpp"
#include "vfe/core/random.hpp"
#include "vfe/model/function.hpp"

namespace vfe {

/// log(1 + exp(x)).
inline double softplus(double x) {
  return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

/// 25 pairs of correlated columns, 20 rows each: a row is zero outside its pair, so that the posterior falls
/// into 25 of two dimensions, which a grid integrates. Column j is multiplied by `scale(j)`, from 1e-3 to
/// 1e3, and the prior sd of its coefficient, 2.5, divided by it.
class SparseLogistic {
 public:
  static constexpr Index num_pairs = 25, pair_rows = 20, d = 2 * num_pairs;
  static constexpr double prior_sd = 2.5;

  SparseLogistic() {
    for (Index p = 0; p < num_pairs; ++p) {
      Matrix noise(3, pair_rows);
      fill_normal({.seed = 23, .purpose = Purpose::simulate, .block = static_cast<std::uint32_t>(p)}, noise);
      Pair& pair = pairs_[static_cast<std::size_t>(p)];
      pair.x = noise.topRows(2);
      pair.x.row(1) = 0.8 * noise.row(0) + 0.6 * noise.row(1);
      pair.y = ((pair.x.row(0) - 0.5 * pair.x.row(1) + noise.row(2)).array() > 0.0).cast<double>();
    }
  }

  /// Not in the order of the pairs.
  static double scale(Index j) {
    return std::pow(10.0, 6.0 * static_cast<double>((7 * j) % d) / (d - 1) - 3.0);
  }

  double log_density(ConstVec beta, Vec grad) const {
    double value = 0.0;
    for (Index p = 0; p < num_pairs; ++p) {
      const Eigen::Array2d scales(scale(2 * p), scale(2 * p + 1));
      Eigen::Array2d pair_grad = Eigen::Array2d::Zero();
      value += log_density(p, beta.segment<2>(2 * p).array() * scales, pair_grad) + scales.log().sum();
      if (grad.size() > 0) grad.segment<2>(2 * p) += (pair_grad * scales).matrix();
    }
    return value;
  }

  ExactTarget target() const {
    Vector mean(d), sd(d);
    double log_z = 0.0;
    for (Index p = 0; p < num_pairs; ++p) {
      Eigen::Array2d first, second;
      log_z += integrate(p, first, second);
      for (Index k = 0; k < 2; ++k) {
        mean[2 * p + k] = first[k] / scale(2 * p + k);
        sd[2 * p + k] = std::sqrt(second[k] - first[k] * first[k]) / scale(2 * p + k);
      }
    }
    return {.name = "ill_scaled_logistic",
            .model = make_model({{"beta", {{"column", d, {}}}}},
                                [own = *this](ConstVec x, Vec grad) { return own.log_density(x, grad); }),
            .mean = mean,
            .sd = sd,
            .log_z = log_z};
  }

 private:
  struct Pair {
    Matrix x;  ///< 2 x rows, before scaling
    Eigen::RowVectorXd y;
  };

  /// Of the scaled coefficients of a pair, prior included; adds the gradient.
  double log_density(Index p, const Eigen::Array2d& gamma, Eigen::Array2d& grad) const {
    const Pair& pair = pairs_[static_cast<std::size_t>(p)];
    double value = -0.5 * (gamma / prior_sd).square().sum() -
                   2.0 * std::log(prior_sd * std::sqrt(2.0 * std::numbers::pi));
    grad -= gamma / (prior_sd * prior_sd);
    for (Index i = 0; i < pair_rows; ++i) {
      const double eta = pair.x.col(i).dot(gamma.matrix());
      value += pair.y[i] * eta - softplus(eta);
      grad += (pair.y[i] - 1.0 / (1.0 + std::exp(-eta))) * pair.x.col(i).array();
    }
    return value;
  }

  /// Log integral and the first two moments, by the trapezium rule, whose error falls exponentially.
  double integrate(Index p, Eigen::Array2d& first, Eigen::Array2d& second) const {
    constexpr double step = 0.15, reach = 15.0;
    Eigen::Array2d ignored;
    const double shift = log_density(p, Eigen::Array2d::Zero(), ignored);
    double sum = 0.0;
    first.setZero();
    second.setZero();
    for (double a = -reach; a <= reach; a += step) {
      for (double b = -reach; b <= reach; b += step) {
        const Eigen::Array2d gamma(a, b);
        const double weight = std::exp(log_density(p, gamma, ignored) - shift);
        sum += weight;
        first += weight * gamma;
        second += weight * gamma.square();
      }
    }
    first /= sum;
    second /= sum;
    return std::log(sum * step * step) + shift;
  }

  std::array<Pair, num_pairs> pairs_;
};

inline ExactTarget ill_scaled_logistic() {
  return SparseLogistic().target();
}

}  // namespace vfe
