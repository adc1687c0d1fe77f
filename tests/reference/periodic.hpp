// Parameters that data determine up to a period, or among many near misses.
#pragma once
#include <Eigen/Dense>
#include <array>
#include <cmath>
#include <numbers>

#include "reference/density.hpp"
#include "vfe/core/random.hpp"

namespace vfe {

/// y = a cos(2 pi f t) + b sin(2 pi f t) + normal(0, 0.5) at irregular times of (0, 10), made with f = 2.3.
/// Priors: f uniform on (0, 5), a and b normal(0, 1). Dozens of peaks stand around that of the truth.
class Sinusoid {
 public:
  static constexpr double sigma = 0.5, highest = 5.0;

  Sinusoid(std::uint64_t seed, Index rows, double amplitude) : time_(rows), y_(rows) {
    for (Index i = 0; i < rows; ++i) {
      const auto row = static_cast<std::uint32_t>(2 * i);
      time_[i] = 10.0 * uniform({.seed = seed, .purpose = Purpose::simulate}, row);
      const double angle = 2.0 * std::numbers::pi * 2.3 * time_[i];
      y_[i] = amplitude * (std::cos(angle) + std::sin(angle)) +
              sigma * normal({.seed = seed, .purpose = Purpose::simulate, .step = 1}, row);
    }
  }

  double log_density(ConstVec x, Vec grad) const {
    const Eigen::ArrayXd angle = 2.0 * std::numbers::pi * x[0] * time_, cosine = angle.cos(),
                         sine = angle.sin();
    const Eigen::ArrayXd residual = (y_ - x[1] * cosine - x[2] * sine) / sigma;
    if (grad.size() > 0) {
      grad[0] += (residual * (x[2] * cosine - x[1] * sine) * time_).sum() * 2.0 * std::numbers::pi / sigma;
      grad[1] += (residual * cosine).sum() / sigma - x[1];
      grad[2] += (residual * sine).sum() / sigma - x[2];
    }
    return constant() - 0.5 * residual.square().sum() - 0.5 * (x[1] * x[1] + x[2] * x[2]);
  }

  /// Given f the model is linear, and a and b integrate out; f by the midpoint rule, in cells of a
  /// hundredth of a peak's sd. `low`, `high`: of f.
  Quadrature integrate(double low, double high) const {
    Quadrature sum(3);
    const auto cells = static_cast<Index>(std::lround((high - low) / cell));
    for (Index i = 0; i < cells; ++i) {
      const double f = low + (static_cast<double>(i) + 0.5) * cell;
      const Eigen::ArrayXd angle = 2.0 * std::numbers::pi * f * time_;
      Eigen::Matrix<double, Eigen::Dynamic, 2> columns(y_.size(), 2);
      columns << angle.cos().matrix(), angle.sin().matrix();
      const Eigen::Matrix2d precision =
          Eigen::Matrix2d::Identity() + columns.transpose() * columns / (sigma * sigma);
      const Eigen::Matrix2d covariance = precision.inverse();
      const Eigen::Vector2d mean = covariance * (columns.transpose() * y_.matrix()) / (sigma * sigma);
      const double log_marginal = constant() + std::log(2.0 * std::numbers::pi) -
                                  0.5 * y_.square().sum() / (sigma * sigma) +
                                  0.5 * mean.dot(precision * mean) + 0.5 * std::log(covariance.determinant());
      sum.add(log_marginal, Vector{{f, mean[0], mean[1]}},
              Vector{{f * f, mean[0] * mean[0] + covariance(0, 0), mean[1] * mean[1] + covariance(1, 1)}});
    }
    return sum;
  }

  ExactTarget target(const std::string& name) const {
    const Quadrature exact = integrate(0.0, highest);
    return {.name = name,
            .model = make_model({{"f", {}, Transform::bounded, 0.0, highest}, {"a"}, {"b"}},
                                [own = *this](ConstVec x, Vec grad) { return own.log_density(x, grad); }),
            .mean = exact.mean(),
            .sd = exact.sd(),
            .log_z = exact.log_integral(cell)};
  }

  static constexpr double cell = 1e-4;  ///< of f

 private:
  double constant() const {
    const auto rows = static_cast<double>(y_.size());
    return -0.5 * (rows + 2.0) * std::log(2.0 * std::numbers::pi) - rows * std::log(sigma) -
           std::log(highest);
  }

  Eigen::ArrayXd time_, y_;
};

/// One peak holds all but 1e-9 of the mass.
inline Sinusoid clear_sinusoid() {
  return {41, 25, 1.0};
}
/// Three peaks far apart have 0.10 (that of the truth), 0.86 and 0.04.
inline Sinusoid ambiguous_sinusoid() {
  return {58, 16, 1.0};
}
inline ExactTarget frequency() {
  return clear_sinusoid().target("frequency");
}
inline ExactTarget frequency_of_three_peaks() {
  return ambiguous_sinusoid().target("frequency3");
}

/// Three intensities A cos(2 pi d / 1.5 + 2 pi i / 3) + normal(0, 14). Priors: A half normal(0, 50), d
/// uniform on (0, 6), which is four periods: four modes alike.
class Interferometer {
 public:
  static constexpr double sigma = 14.0, scale = 50.0, period = 1.5, furthest = 6.0;
  static constexpr std::array<double, 3> intensity = {30.0, -25.0, 2.0};

  static double log_density(ConstVec x, Vec grad) {
    double value = constant() - 0.5 * x[0] * x[0] / (scale * scale);
    if (grad.size() > 0) grad[0] -= x[0] / (scale * scale);
    for (std::size_t i = 0; i < 3; ++i) {
      const double residual = (intensity[i] - x[0] * std::cos(angle(x[1], i))) / sigma;
      value -= 0.5 * residual * residual;
      if (grad.size() == 0) continue;
      grad[0] += residual * std::cos(angle(x[1], i)) / sigma;
      grad[1] -= residual * x[0] * std::sin(angle(x[1], i)) * 2.0 * std::numbers::pi / (period * sigma);
    }
    return value;
  }

  /// Given d, A is normal(mean, sd) on the half line; d by the midpoint rule.
  static ExactTarget target() {
    constexpr Index cells = 24000;
    constexpr double cell = furthest / cells;
    Quadrature exact(2);
    for (Index k = 0; k < cells; ++k) {
      const double d = (static_cast<double>(k) + 0.5) * cell;
      double precision = 1.0 / (scale * scale), slope = 0.0, value = constant();
      for (std::size_t i = 0; i < 3; ++i) {
        const double cosine = std::cos(angle(d, i));
        precision += cosine * cosine / (sigma * sigma);
        slope += cosine * intensity[i] / (sigma * sigma);
        value -= 0.5 * intensity[i] * intensity[i] / (sigma * sigma);
      }
      const double sd = 1.0 / std::sqrt(precision), mean = slope / precision, z = mean / sd;
      // Of a standard normal above -z: mass, and density at the cut over mass.
      const double mass = 0.5 * std::erfc(-z / std::numbers::sqrt2);
      const double hazard = std::exp(-0.5 * z * z) / (mass * std::sqrt(2.0 * std::numbers::pi));
      const double first = mean + sd * hazard;
      value += 0.5 * z * z + std::log(sd * std::sqrt(2.0 * std::numbers::pi) * mass);
      exact.add(value, Vector{{first, d}}, Vector{{mean * first + sd * sd, d * d}});
    }
    return {
        .name = "phase",
        .model = make_model({{"A", {}, Transform::positive}, {"d", {}, Transform::bounded, 0.0, furthest}},
                            &Interferometer::log_density),
        .mean = exact.mean(),
        .sd = exact.sd(),
        .log_z = exact.log_integral(cell)};
  }

 private:
  static double angle(double d, std::size_t i) {
    return 2.0 * std::numbers::pi * (d / period + static_cast<double>(i) / 3.0);
  }
  static double constant() {
    return std::log(2.0 / scale) - 3.0 * std::log(sigma) - 2.0 * std::log(2.0 * std::numbers::pi) -
           std::log(furthest);
  }
};

inline ExactTarget phase() {
  return Interferometer::target();
}

}  // namespace vfe
