#include "family/gaussian.hpp"

#include <fmt/format.h>

#include <cmath>

#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"

namespace vfe {

Vector finite_exp(ConstVec log_sd) {
  constexpr double largest = 709.0;
  return log_sd.array().min(largest).exp();
}

Vector without_nan(ConstVec computed) {
  return computed.unaryExpr([](double x) { return std::isnan(x) ? infinity : x; });
}

void accept_finite(ConstMat computed, Vec value, Mat grad) {
  for (Index s = 0; s < value.size(); ++s) {
    if (!std::isfinite(value(s))) {
      value(s) = -infinity;
    } else if (grad.cols() > 0) {
      grad.col(s) += without_nan(computed.col(s));
    }
  }
}

void require_diagonal(const Affine& map, Index d, const char* family) {
  if (map.diagonal() && map.scale.rows() == d && map.size() == d) return;
  throw Error(Fault::bug,
              fmt::format("moving a {} family of size {} by an affine map: found a scale of {} x {} "
                          "and a shift of {}, expected {} x 1 and {}",
                          family, d, map.scale.rows(), map.scale.cols(), map.size(), d, d));
}

}  // namespace vfe
