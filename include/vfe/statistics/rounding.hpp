#pragma once
#include <cmath>

namespace vfe {

/// Whether numbers about `mean` differ by no more than rounding: they are one constant. `spread` is their sd,
/// or the largest distance from the mean.
inline bool constant_to_rounding(double spread, double mean) {
  return spread <= 1e-12 * std::abs(mean);
}

}  // namespace vfe
