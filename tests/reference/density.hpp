// What targets of known answer are written with.
#pragma once
#include <cmath>
#include <limits>
#include <numbers>
#include <optional>
#include <string>
#include <utility>

#include "reference/exact_target.hpp"
#include "vfe/model/differentiate.hpp"

namespace vfe {

template <class Scalar>
Scalar log_normal_density(const Scalar& x, const Scalar& mean, const Scalar& sd) {
  using std::log;
  const Scalar z = (x - mean) / sd;
  return -0.5 * z * z - log(sd) - 0.5 * std::log(2.0 * std::numbers::pi);
}

/// log(p exp(a) + (1 - p) exp(b)).
template <class Scalar>
Scalar log_mixture(double p, const Scalar& a, const Scalar& b) {
  using std::exp;
  using std::log;
  return a > b ? a + log(p + (1.0 - p) * exp(b - a)) : b + log(p * exp(a - b) + (1.0 - p));
}

/// log of the sum of exp(terms); sets the shares of the terms in the sum.
inline double log_sum(const Eigen::ArrayXd& terms, Eigen::ArrayXd& shares) {
  const double top = terms.maxCoeff();
  shares = (terms - top).exp();
  const double sum = shares.sum();
  shares /= sum;
  return top + std::log(sum);
}

/// Of the density of x[0], ..., with as many entries as `mean`.
inline ExactTarget density_target(const std::string& name, LogDensity density, Vector mean, Vector sd,
                                  std::optional<double> log_z) {
  const Index d = mean.size();
  return {.name = name,
          .model = make_model({{"x", {{"index", d, {}}}}}, std::move(density)),
          .mean = std::move(mean),
          .sd = std::move(sd),
          .log_z = log_z};
}

/// A density that is the posterior of nothing: whoever trusts a fit of it is wrong.
inline ExactTarget improper_target(const std::string& name, Index d, LogDensity density) {
  ExactTarget target =
      density_target(name, std::move(density), Vector::Zero(d), Vector::Ones(d), std::nullopt);
  target.mean = target.sd = Vector();
  target.has_answer = false;
  return target;
}

/// The integral of a density over the cells of a grid, and the moments under it.
class Quadrature {
 public:
  explicit Quadrature(Index size) : first_(Vector::Zero(size)), second_(Vector::Zero(size)) {}

  void add(double log_density, const Vector& x) { add(log_density, x, x.cwiseAbs2()); }
  /// With moments already taken over what the grid leaves out.
  void add(double log_density, const Vector& mean, const Vector& square) {
    if (log_density > largest_) {
      const double ratio = std::exp(largest_ - log_density);
      sum_ *= ratio;
      first_ *= ratio;
      second_ *= ratio;
      largest_ = log_density;
    }
    const double weight = std::exp(log_density - largest_);
    if (weight == 0.0) return;
    sum_ += weight;
    first_ += weight * mean;
    second_ += weight * square;
  }

  double log_integral(double cell) const { return largest_ + std::log(sum_ * cell); }
  Vector mean() const { return first_ / sum_; }
  Vector sd() const { return (second_ / sum_ - mean().cwiseAbs2()).cwiseSqrt(); }

 private:
  double largest_ = -std::numeric_limits<double>::infinity(), sum_ = 0.0;
  Vector first_, second_;
};

}  // namespace vfe
