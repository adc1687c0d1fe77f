#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Quantile of the standard normal at p in (0, 1).
double normal_quantile(double p);

/// The value that a chi-square variable of `freedom` > 0 degrees exceeds with probability `above` in (0, 1),
/// however small.
double chi_square_exceeded(double above, double freedom);

/// The same of Student's t with `freedom` >= 1 degrees.
double student_exceeded(double above, Index freedom);

}  // namespace vfe
