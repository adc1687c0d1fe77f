#include "vfe/statistics/weights.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "vfe/core/error.hpp"

namespace vfe {

Vector normalised_weights(ConstVec log_weight, const char* what) {
  double largest = -std::numeric_limits<double>::infinity();
  for (const double x : log_weight) {
    if (std::isnan(x) || x == std::numeric_limits<double>::infinity()) {
      throw Error(Fault::numeric, fmt::format("{}: found a log weight of {}", what, x));
    }
    largest = std::max(largest, x);
  }
  if (!std::isfinite(largest)) {
    throw Error(Fault::numeric, fmt::format("{}: none of {} draws has weight", what, log_weight.size()));
  }
  Vector weight(log_weight.size());
  // Not Eigen's exp, which makes a small number of -infinity.
  for (Index s = 0; s < weight.size(); ++s) weight(s) = std::exp(log_weight(s) - largest);
  return weight / weight.sum();
}

}  // namespace vfe
