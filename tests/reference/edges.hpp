// Densities without a maximum, with mass at both ends of an interval, and a posterior that is its prior.
#pragma once
#include <cmath>
#include <numbers>

#include "reference/density.hpp"

namespace vfe {

/// |x|^(-1/2) exp(-|x|): unbounded at 0, and integrable.
inline ExactTarget unbounded_density() {
  return density_target(
      "unbounded",
      [](ConstVec x, Vec grad) {
        const double size = std::abs(x[0]);
        if (grad.size() > 0) grad[0] -= std::copysign(1.0 + 0.5 / size, x[0]);
        return -0.5 * std::log(size) - size;
      },
      Vector{{0.0}}, Vector{{std::sqrt(0.75)}}, std::log(2.0 * std::sqrt(std::numbers::pi)));
}

/// normal(0, 1) in the first direction, ever higher in the second: improper.
inline ExactTarget rising_density() {
  return improper_target("rising", 2, [](ConstVec x, Vec grad) {
    if (grad.size() > 0) {
      grad[0] -= x[0];
      grad[1] += x[1] / (1.0 + x[1] * x[1]);
    }
    return -0.5 * x[0] * x[0] + 0.5 * std::log1p(x[1] * x[1]);
  });
}

inline double log_beta(double a, double b) {
  return std::lgamma(a) + std::lgamma(b) - std::lgamma(a + b);
}
/// Mean and mean square of Beta(a, b).
inline double beta_mean(double a, double b) {
  return a / (a + b);
}
inline double beta_square(double a, double b) {
  return beta_mean(a, b) * (a + 1.0) / (a + b + 1.0);
}

/// x^(a - 1) (1 - x)^(b - 1) with a, b < 1: unbounded at both ends.
inline ExactTarget mass_at_both_ends(const std::string& name, double a, double b) {
  const double mean = beta_mean(a, b);
  return {.name = name,
          .model = make_model({{"x", {}, Transform::bounded, 0.0, 1.0}},
                              [a, b](ConstVec x, Vec grad) {
                                if (grad.size() > 0) grad[0] += (a - 1.0) / x[0] - (b - 1.0) / (1.0 - x[0]);
                                return (a - 1.0) * std::log(x[0]) + (b - 1.0) * std::log1p(-x[0]);
                              }),
          .mean = Vector{{mean}},
          .sd = Vector{{std::sqrt(beta_square(a, b) - mean * mean)}},
          .log_z = log_beta(a, b)};
}

/// 0.6 Beta(2, 200) + 0.4 Beta(200, 2): two modes far apart once the interval is stretched to a line.
inline ExactTarget modes_at_both_ends() {
  constexpr double share = 0.6, low = 2.0, high = 200.0;
  const double mean = share * beta_mean(low, high) + (1.0 - share) * beta_mean(high, low);
  const double square = share * beta_square(low, high) + (1.0 - share) * beta_square(high, low);
  return {.name = "ends_modes",
          .model = make_model({{"x", {}, Transform::bounded, 0.0, 1.0}}, differentiate([](const auto& x) {
                                using Scalar = std::decay_t<decltype(x[0])>;
                                using std::log;
                                const Scalar left = log(x[0]), right = log(1.0 - x[0]);
                                const double constant = log_beta(low, high);
                                return log_mixture<Scalar>(
                                    share, (low - 1.0) * left + (high - 1.0) * right - constant,
                                    (high - 1.0) * left + (low - 1.0) * right - constant);
                              })),
          .mean = Vector{{mean}},
          .sd = Vector{{std::sqrt(square - mean * mean)}},
          .log_z = 0.0};
}

/// Of data that say nothing: normal(0, 1), half normal(0, 2), uniform on (-1, 4).
inline ExactTarget posterior_equal_to_its_prior() {
  constexpr double scale = 2.0, low = -1.0, high = 4.0;
  const double log_constant =
      -std::log(2.0 * std::numbers::pi) + std::log(2.0 / scale) - std::log(high - low);
  return {
      .name = "prior",
      .model = make_model(
          {{"location"}, {"scale", {}, Transform::positive}, {"share", {}, Transform::bounded, low, high}},
          [log_constant](ConstVec x, Vec grad) {
            if (grad.size() > 0) {
              grad[0] -= x[0];
              grad[1] -= x[1] / (scale * scale);
            }
            return log_constant - 0.5 * x[0] * x[0] - 0.5 * x[1] * x[1] / (scale * scale);
          }),
      .mean = Vector{{0.0, scale * std::sqrt(2.0 / std::numbers::pi), 0.5 * (low + high)}},
      .sd = Vector{{1.0, scale * std::sqrt(1.0 - 2.0 / std::numbers::pi), (high - low) / std::sqrt(12.0)}},
      .log_z = 0.0};
}

}  // namespace vfe
