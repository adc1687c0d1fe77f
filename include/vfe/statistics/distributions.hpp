#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Quantile of the standard normal at p in (0, 1), to 1e-15 (Wichura 1988, AS 241).
double normal_quantile(double p);

/// The value that a chi-square variable of `freedom` > 0 degrees exceeds with probability `above` in (0, 1),
/// however small, to about 1e-13.
double chi_square_exceeded(double above, double freedom);

/// The same of Student's t with `freedom` >= 1 degrees, above in [1e-14, 0.5): a probability right to 1e-16.
double student_exceeded(double above, Index freedom);

}  // namespace vfe
