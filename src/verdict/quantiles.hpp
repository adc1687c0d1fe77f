#pragma once

namespace vfe {

/// Quantile of the standard normal at p in (0, 1), to 1e-15 (Wichura 1988, AS 241).
double normal_quantile(double p);

/// The value that a chi-square variable of `freedom` > 0 degrees exceeds with probability `above` in (0, 1),
/// however small, to about 1e-13.
double chi_square_exceeded(double above, double freedom);

}  // namespace vfe
