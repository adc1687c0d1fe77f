#include "vfe/statistics/weights.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {

Weights weights_of(ConstVec log_weight, const char* what) {
  double largest = -infinity;
  for (const double x : log_weight) {
    if (std::isnan(x) || x == infinity) {
      throw Error(Fault::numeric, fmt::format("{}: found a log weight of {}", what, x));
    }
    largest = std::max(largest, x);
  }
  const auto n = static_cast<double>(log_weight.size());
  Weights result{.normalised = Vector::Zero(log_weight.size()), .log_mean = -infinity};
  if (log_weight.size() == 0) return result;
  result.variance = (log_weight.array() - log_weight.mean()).square().sum() / (n - 1.0);
  if (!std::isfinite(largest)) return result;
  // Not Eigen's exp, which makes a small number of -infinity.
  for (Index s = 0; s < log_weight.size(); ++s) {
    result.normalised(s) = std::exp(log_weight(s) - largest);
  }
  const double sum = result.normalised.sum();
  result.normalised /= sum;
  result.log_mean = largest + std::log(sum / n);
  const double squares = result.normalised.squaredNorm();
  result.log_mean_error = std::sqrt(std::max(squares - 1.0 / n, 0.0));
  result.ess = 1.0 / squares;
  return result;
}

Vector normalised_weights(ConstVec log_weight, const char* what) {
  Weights weights = weights_of(log_weight, what);
  if (weights.ess == 0.0) {
    throw Error(Fault::numeric, fmt::format("{}: none of {} draws has weight", what, log_weight.size()));
  }
  return std::move(weights.normalised);
}

double log_mean_exp(ConstVec x) {
  const double largest = x.maxCoeff();
  if (!std::isfinite(largest)) return largest;
  double sum = 0.0;
  for (const double value : x) sum += std::exp(value - largest);
  return largest + std::log(sum / static_cast<double>(x.size()));
}

}  // namespace vfe
