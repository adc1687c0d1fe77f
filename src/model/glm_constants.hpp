#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe::glm_kernel {

/// What a draw's scale parameters contribute, the same for all rows. Fields as the likelihood needs them.
struct DrawConstants {
  double log_density = 0.0;       ///< added to every row [nats]
  double inverse_sigma = 1.0;     ///< linear; student_t: 1 / (sigma sqrt(nu))
  double half_nu_plus_one = 0.0;  ///< student_t: (nu + 1) / 2
  double nu = 0.0;                ///< student_t
  double nu_slope = 0.0;          ///< student_t: d log_density / d log nu
  /// negative_binomial, r = 1 / overdispersion raised by `shift` steps to where asymptotic series hold
  double log_overdispersion = 0.0, r = 0.0, raised_r = 0.0, log_raise = 0.0;
  int shift = 0;
  double log_gamma_remainder = 0.0, digamma_remainder = 0.0;  ///< at raised_r
  double log_rising = 0.0, rising_slope = 0.0;  ///< log of r (r+1) ... (r+shift-1), its derivative by r
  /// zero_inflated, hurdle: log odds, log probability and probability of a zero, log probability of the rest
  double zero_log_odds = 0.0, log_zero = 0.0, zero_probability = 0.0, log_some = 0.0;
  double shape = 1.0;        ///< gamma, weibull
  double precision = 1.0;    ///< beta
  double scale_slope = 0.0;  ///< gamma, beta: d log_density / d log of the scale
  /// ordinal: the ends of the classes, infinite ones too; of each class log(1 - exp(lower - upper))
  std::vector<double> ends, log_gaps;
};

DrawConstants linear_constants(double sigma);
DrawConstants student_t_constants(double sigma, double nu);
DrawConstants negative_binomial_constants(double log_overdispersion);
DrawConstants with_zeros(DrawConstants constants, double log_odds);
DrawConstants ordinal_constants(ConstVec theta);  ///< coordinates of the cutpoints
DrawConstants gamma_constants(double log_shape);
DrawConstants beta_constants(double log_precision);
DrawConstants weibull_constants(double log_shape);

}  // namespace vfe::glm_kernel
