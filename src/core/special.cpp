#include "vfe/core/special.hpp"

#include <cmath>
#include <numbers>

namespace vfe::special {

namespace {

// How many times x must grow by one to reach the range of the asymptotic series.
int steps_to_asymptotic(double x) {
  return x >= asymptotic_from ? 0 : static_cast<int>(std::ceil(asymptotic_from - x));
}

}  // namespace

double log_gamma_remainder(double x) {
  const double u = 1.0 / x, u2 = u * u;
  return u * (1.0 / 12 - u2 * (1.0 / 360 - u2 * (1.0 / 1260 - u2 * (1.0 / 1680 - u2 / 1188))));
}

double digamma_remainder(double x) {
  const double u = 1.0 / x, u2 = u * u;
  return -0.5 * u - u2 * (1.0 / 12 - u2 * (1.0 / 120 - u2 * (1.0 / 252 - u2 * (1.0 / 240 - u2 / 132))));
}

double log_gamma(double x) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += std::log(x);
  return (x - 0.5) * std::log(x) - x + 0.5 * std::log(2.0 * std::numbers::pi) + log_gamma_remainder(x) -
         shift;
}

double digamma(double x) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += 1.0 / x;
  return std::log(x) + digamma_remainder(x) - shift;
}

double trigamma(double x) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += 1.0 / (x * x);
  const double u = 1.0 / x, u2 = u * u;
  // Abramowitz and Stegun 6.4.12
  return u * (1.0 + 0.5 * u +
              u2 * (1.0 / 6 - u2 * (1.0 / 30 - u2 * (1.0 / 42 - u2 * (1.0 / 30 - u2 * 5.0 / 66))))) +
         shift;
}

double tetragamma(double x) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += 2.0 / (x * x * x);
  const double u = 1.0 / x, u2 = u * u;
  // Abramowitz and Stegun 6.4.13
  return -u2 * (1.0 + u + u2 * (1.0 / 2 - u2 * (1.0 / 6 - u2 * (1.0 / 6 - u2 * (3.0 / 10 - u2 * 5.0 / 6))))) -
         shift;
}

double log_gamma_difference(double x, double step) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += std::log1p(step / x);
  return (x + step - 0.5) * std::log1p(step / x) + step * std::log(x) - step + log_gamma_remainder(x + step) -
         log_gamma_remainder(x) - shift;
}

double digamma_difference(double x, double step) {
  double shift = 0.0;
  for (int n = steps_to_asymptotic(x); n > 0; --n, x += 1.0) shift += step / (x * (x + step));
  return std::log1p(step / x) + digamma_remainder(x + step) - digamma_remainder(x) + shift;
}

}  // namespace vfe::special
