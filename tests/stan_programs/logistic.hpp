#pragma once
#include <cmath>
#include <numbers>
#include <string>

#include "vfe/core/types.hpp"

namespace vfe {

/// The library of logistic.stan, which a fixture builds.
inline const std::string logistic_library = VFE_BINARY_DIR "/stan_programs/logistic.so";

/// Data of logistic.stan, written out.
struct LogisticData {
  static constexpr Index rows = 7, columns = 2;
  static constexpr double x[rows][columns] = {{0.5, -1.0}, {1.5, 0.25},  {-2.0, 0.75}, {0.0, 1.0},
                                              {1.0, 1.0},  {-0.5, -2.0}, {0.125, 0.5}};
  static constexpr int y[rows] = {1, 0, 0, 1, 1, 0, 1};

  static std::string json() {
    std::string xs, ys;
    for (Index i = 0; i < rows; ++i) {
      xs += (i ? ", [" : "[") + std::to_string(x[i][0]) + ", " + std::to_string(x[i][1]) + "]";
      ys += (i ? ", " : "") + std::to_string(y[i]);
    }
    return "{\"N\": " + std::to_string(rows) + ", \"K\": 2, \"x\": [" + xs + "], \"y\": [" + ys + "]}";
  }
};

/// Its log density [nats], Jacobian of tau = exp(theta[3]) included, and gradient, in a plain loop.
/// theta: alpha, beta[1], beta[2], log tau.
inline double logistic_log_density(const Vector& theta, Vector& grad) {
  const auto normal = [](double value, double sd) {
    return -0.5 * std::log(2.0 * std::numbers::pi) - std::log(sd) - 0.5 * value * value / (sd * sd);
  };
  const double alpha = theta[0], tau = std::exp(theta[3]);
  double value = normal(alpha, 2.0) + normal(theta[1], tau) + normal(theta[2], tau) - tau + theta[3];
  grad.resize(4);
  grad << -alpha / 4.0, -theta[1] / (tau * tau), -theta[2] / (tau * tau),
      -2.0 + (theta[1] * theta[1] + theta[2] * theta[2]) / (tau * tau) - tau + 1.0;
  for (Index i = 0; i < LogisticData::rows; ++i) {
    const double* x = LogisticData::x[i];
    const double eta = alpha + x[0] * theta[1] + x[1] * theta[2];
    const double residual = LogisticData::y[i] - 1.0 / (1.0 + std::exp(-eta));
    value += LogisticData::y[i] * eta - std::log1p(std::exp(eta));
    grad[0] += residual;
    grad[1] += residual * x[0];
    grad[2] += residual * x[1];
  }
  return value;
}

}  // namespace vfe
