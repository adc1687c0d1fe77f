#include "infer/rate_rule.hpp"

#include <algorithm>
#include <cmath>

namespace vfe {
namespace {

struct Line {
  double intercept = 0.0, slope = 0.0;
};

/// The newest of n values weighs most: w = (1 + age^2 / 81)^(-1/4).
Vector weights(Index n) {
  Vector w(n);
  for (Index i = 0; i < n; ++i) {
    const double age = static_cast<double>(n - 1 - i);
    w(i) = std::pow(1.0 + age * age / 81.0, -0.25);
  }
  return w / w.sum();
}

Line regression(ConstVec x, ConstVec y) {
  const Vector w = weights(x.size());
  const double mean_x = w.dot(x), mean_y = w.dot(y);
  const Vector away = x.array() - mean_x;
  const double spread = w.dot(away.cwiseAbs2());
  const double slope = spread > 0.0 ? w.dot(away.cwiseProduct(y)) / spread : 0.0;
  return {mean_y - slope * mean_x, slope};
}

}  // namespace

double RateRule::inefficiency(ConstMat history) const {
  const Index n = history.cols();
  if (n < 2) return 0.0;
  const Vector log_rate = history.row(0).array().log().transpose();
  const Vector log_divergence = history.row(1).array().max(1e-12).log().transpose();
  const Vector log_steps = history.row(2).array().log().transpose();

  // sqrt(divergence) = sqrt(C) rate^kappa (rho^-kappa - 1) between the averages at rate / rho and rate.
  const double kappa =
      settles || n < 3 ? 1.0 : std::clamp(0.5 * regression(log_rate, log_divergence).slope, 0.1, 1.0);
  const double log_c = weights(n).dot(log_divergence - 2.0 * kappa * log_rate) -
                       2.0 * std::log(std::pow(factor, -kappa) - 1.0);
  const double distance = std::exp(0.5 * log_c + kappa * log_rate(n - 1));
  const double relative_divergence = std::pow(factor, kappa) + accuracy / distance;

  // The steps needed grow as the rate falls; where they have not, the first rate was the odd one out.
  Line line = regression(log_rate, log_steps);
  if (line.slope >= 0.0 && n > 2) line = regression(log_rate.tail(n - 1), log_steps.tail(n - 1));
  const double predicted = std::exp(line.intercept + line.slope * (log_rate(n - 1) + std::log(factor)));
  return relative_divergence * predicted / (history(2, n - 1) + small_steps);
}

}  // namespace vfe
