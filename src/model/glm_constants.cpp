#include "model/glm_constants.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "vfe/core/special.hpp"

namespace vfe::glm_kernel {
namespace {

// Beyond this the likelihoods have long reached their limits, and products would overflow.
double bounded(double log_scale) {
  return std::clamp(log_scale, -600.0, 600.0);
}

}  // namespace

DrawConstants linear_constants(double sigma) {
  DrawConstants c;
  c.log_density = -std::log(sigma) - 0.5 * std::log(2.0 * std::numbers::pi);
  c.inverse_sigma = 1.0 / sigma;
  return c;
}

DrawConstants student_t_constants(double sigma, double nu) {
  DrawConstants c;
  c.nu = nu;
  c.half_nu_plus_one = 0.5 * (nu + 1.0);
  c.inverse_sigma = 1.0 / (sigma * std::sqrt(nu));
  c.log_density =
      special::log_gamma_difference(0.5 * nu, 0.5) - 0.5 * std::log(nu * std::numbers::pi) - std::log(sigma);
  c.nu_slope = 0.5 * nu * special::digamma_difference(0.5 * nu, 0.5) - 0.5;
  return c;
}

DrawConstants negative_binomial_constants(double log_overdispersion) {
  DrawConstants c;
  // Beyond this the likelihood has long reached its limit, and r would overflow.
  c.log_overdispersion = std::clamp(log_overdispersion, -700.0, 700.0);
  c.r = std::exp(-c.log_overdispersion);
  c.shift = c.r >= special::asymptotic_from ? 0 : static_cast<int>(std::ceil(special::asymptotic_from - c.r));
  c.raised_r = c.r + c.shift;
  c.log_raise = c.shift == 0 ? 0.0 : std::log(c.raised_r) + c.log_overdispersion;
  for (int k = 0; k < c.shift; ++k) {
    c.log_rising += std::log(c.r + k);
    c.rising_slope += 1.0 / (c.r + k);
  }
  c.log_gamma_remainder = special::log_gamma_remainder(c.raised_r);
  c.digamma_remainder = special::digamma_remainder(c.raised_r);
  return c;
}

DrawConstants with_zeros(DrawConstants c, double log_odds) {
  const double tail = std::log1p(std::exp(-std::abs(log_odds)));
  c.zero_log_odds = log_odds;
  c.log_zero = std::min(log_odds, 0.0) - tail;
  c.log_some = -std::max(log_odds, 0.0) - tail;
  c.zero_probability = 1.0 / (1.0 + std::exp(-log_odds));
  return c;
}

DrawConstants ordinal_constants(ConstVec theta) {
  const double infinity = std::numeric_limits<double>::infinity();
  DrawConstants c;
  c.ends = {-infinity, theta[0]};
  const double none = theta.hasNaN() ? std::numeric_limits<double>::quiet_NaN() : 0.0;
  c.log_gaps = {none};
  for (Index k = 1; k < theta.size(); ++k) {
    const double gap = std::exp(theta[k]);
    c.ends.push_back(c.ends.back() + gap);
    c.log_gaps.push_back(theta[k] < -40.0 ? theta[k] : std::log(-std::expm1(-gap)));
  }
  c.ends.push_back(infinity);
  c.log_gaps.push_back(none);
  return c;
}

DrawConstants gamma_constants(double log_shape) {
  DrawConstants c;
  const double theta = bounded(log_shape), shape = std::exp(theta);
  c.shape = shape;
  // shape log shape - shape - log Gamma(shape), and shape (log shape - digamma(shape))
  if (shape >= special::asymptotic_from) {
    c.log_density = 0.5 * (theta - std::log(2.0 * std::numbers::pi)) - special::log_gamma_remainder(shape);
    c.scale_slope = -shape * special::digamma_remainder(shape);
  } else {
    c.log_density = (shape + 1.0) * theta - shape - special::log_gamma(shape + 1.0);
    c.scale_slope = shape * (theta - special::digamma(shape + 1.0)) + 1.0;
  }
  return c;
}

DrawConstants beta_constants(double log_precision) {
  DrawConstants c;
  const double theta = bounded(log_precision);
  c.precision = std::exp(theta);
  // Gamma(x) = Gamma(1 + x) / x: of the three, one log of the precision is left.
  c.log_density = special::log_gamma(1.0 + c.precision) + theta;
  c.scale_slope = c.precision * special::digamma(1.0 + c.precision) + 1.0;
  return c;
}

DrawConstants weibull_constants(double log_shape) {
  DrawConstants c;
  c.log_density = bounded(log_shape);
  c.shape = std::exp(c.log_density);
  return c;
}

}  // namespace vfe::glm_kernel
