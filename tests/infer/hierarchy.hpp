#pragma once
#include <algorithm>
#include <cmath>
#include <map>

#include "infer/toys.hpp"

namespace vfe::toys {

/// A hierarchical logistic regression: groups of a few coin throws of logit mu + tau e_i, mu and e_i ~ N(0,
/// 1), log tau ~ N(-1, 1), normalised but for the binomial coefficients. theta = (mu, log tau, e_1, e_2,
/// ...), as for a funnel: the joint mode is far from the mass.
class Hierarchy {
 public:
  Hierarchy(Index groups, Index trials)
      : trials_(static_cast<double>(trials)), successes_(Vector::Zero(groups)) {
    const Matrix e = random_matrix(groups, 1, 5);
    for (Index i = 0; i < groups; ++i) {
      const Address at{.seed = 6, .purpose = Purpose::simulate, .draw = static_cast<std::uint32_t>(i)};
      for (Index t = 0; t < trials; ++t) {
        successes_(i) += uniform(at, static_cast<std::uint32_t>(t)) < chance(0.3 + 0.6 * e(i));
      }
    }
  }

  Index size() const { return 2 + successes_.size(); }

  BlockLogDensity density() const {
    return [this](Index, ConstVec theta, Vec grad) {
      const double tau = std::exp(theta(1)), z = theta(1) + 1.0;
      double value = -0.5 * (theta(0) * theta(0) + z * z + theta.tail(successes_.size()).squaredNorm()) +
                     static_cast<double>(size()) * log_peak;
      grad -= theta;
      grad(1) -= 1.0;
      for (Index i = 0; i < successes_.size(); ++i) {
        const double e = theta(2 + i), logit = theta(0) + tau * e;
        const double pull = successes_(i) - trials_ * chance(logit);
        value += log_likelihood(successes_(i), logit);
        grad(0) += pull;
        grad(1) += pull * tau * e;
        grad(2 + i) += pull * tau;
      }
      return value;
    };
  }

  /// By the trapezoidal rule over mu and log tau and, given those, over each e_i.
  struct Exact {
    double log_evidence = 0.0;
    Vector sd;  ///< of mu and log tau
  };
  Exact exact() const {
    constexpr Index outer = 161, inner = 61;
    const Vector mu = Vector::LinSpaced(outer, -2.5, 2.5), z = Vector::LinSpaced(outer, -5.0, 5.0);
    const Vector e = Vector::LinSpaced(inner, -7.0, 7.0);
    std::map<double, double> groups;  // by their successes, which is all that they differ in
    for (const double y : successes_) groups[y] += 1.0;
    Matrix log_f(outer, outer);
    for (Index b = 0; b < outer; ++b) {
      for (Index a = 0; a < outer; ++a) {
        log_f(a, b) = 2.0 * log_peak - 0.5 * (mu(a) * mu(a) + z(b) * z(b));
        for (const auto& [y, count] : groups) {
          double sum = 0.0;
          for (const double x : e) {
            sum += std::exp(log_likelihood(y, mu(a) + std::exp(z(b) - 1.0) * x) + log_peak - 0.5 * x * x);
          }
          log_f(a, b) += count * std::log(sum * (e(1) - e(0)));
        }
      }
    }
    const double top = log_f.maxCoeff();
    const Matrix f = (log_f.array() - top).exp();
    const Vector of_mu = f.rowwise().sum() / f.sum(), of_z = f.colwise().sum().transpose() / f.sum();
    const auto sd = [](const Vector& x, const Vector& weight) {
      return std::sqrt((x.array() - x.dot(weight)).square().matrix().dot(weight));
    };
    return {top + std::log(f.sum() * (mu(1) - mu(0)) * (z(1) - z(0))), Vector{{sd(mu, of_mu), sd(z, of_z)}}};
  }

 private:
  static constexpr double log_peak = -0.91893853320467274;  // of a standard normal
  static double chance(double logit) { return 1.0 / (1.0 + std::exp(-logit)); }
  double log_likelihood(double successes, double logit) const {
    return successes * logit - trials_ * (std::max(logit, 0.0) + std::log1p(std::exp(-std::abs(logit))));
  }

  double trials_;
  Vector successes_;
};

}  // namespace vfe::toys
