#include "vfe/statistics/distributions.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>

#include "vfe/core/special.hpp"

namespace vfe {
namespace {

using Coefficients = std::array<double, 8>;

double polynomial(const Coefficients& c, double x) {
  double value = c[7];
  for (int i = 6; i >= 0; --i) value = value * x + c[static_cast<std::size_t>(i)];
  return value;
}

/// log of the probability that a gamma variable of shape a and scale 1 exceeds x.
double log_gamma_above(double a, double x) {
  const double log_front = a * std::log(x) - x - special::log_gamma(a);
  if (x < a + 1.0) {  // by the series of the other tail
    double term = 1.0 / a, sum = term;
    for (double n = a + 1.0; std::abs(term) > 1e-17 * sum; n += 1.0) sum += term *= x / n;
    return std::log1p(-std::exp(log_front + std::log(sum)));
  }
  // Continued fraction by Lentz's method.
  double b = x + 1.0 - a, c = std::numeric_limits<double>::infinity(), d = 1.0 / b, fraction = d;
  for (double n = 1.0;; n += 1.0) {
    const double numerator = -n * (n - a);
    b += 2.0;
    d = 1.0 / (numerator * d + b);
    c = b + numerator / c;
    fraction *= c * d;
    if (std::abs(c * d - 1.0) < 1e-16) break;
  }
  return log_front + std::log(fraction);
}

/// P(T > t) of Student's distribution, t >= 0 (Abramowitz and Stegun 26.7.3 and 26.7.4).
double student_tail(double t, Index degrees) {
  const double n = static_cast<double>(degrees);
  const double angle = std::atan(t / std::sqrt(n));
  const double cosine2 = n / (n + t * t);
  double sum = 0.0;
  if (degrees % 2 == 0) {
    double term = 1.0;
    for (Index k = 0; k < degrees; k += 2) {
      sum += term;
      term *= cosine2 * static_cast<double>(k + 1) / static_cast<double>(k + 2);
    }
    return 0.5 * (1.0 - std::sin(angle) * sum);
  }
  double term = std::cos(angle);
  for (Index k = 1; k < degrees; k += 2) {
    sum += term;
    term *= cosine2 * static_cast<double>(k + 1) / static_cast<double>(k + 2);
  }
  return 0.5 - (angle + std::sin(angle) * sum) / std::numbers::pi;
}

}  // namespace

double normal_quantile(double p) {
  static constexpr Coefficients a{
      3.3871328727963666080e0,  1.3314166789178437745e+2, 1.9715909503065514427e+3, 1.3731693765509461125e+4,
      4.5921953931549871457e+4, 6.7265770927008700853e+4, 3.3430575583588128105e+4, 2.5090809287301226727e+3};
  static constexpr Coefficients b{1.0,
                                  4.2313330701600911252e+1,
                                  6.8718700749205790830e+2,
                                  5.3941960214247511077e+3,
                                  2.1213794301586595867e+4,
                                  3.9307895800092710610e+4,
                                  2.8729085735721942674e+4,
                                  5.2264952788528545610e+3};
  static constexpr Coefficients c{1.42343711074968357734e0,  4.63033784615654529590e0,
                                  5.76949722146069140550e0,  3.64784832476320460504e0,
                                  1.27045825245236838258e0,  2.41780725177450611770e-1,
                                  2.27238449892691845833e-2, 7.74545014278341407640e-4};
  static constexpr Coefficients d{1.0,
                                  2.05319162663775882187e0,
                                  1.67638483018380384940e0,
                                  6.89767334985100004550e-1,
                                  1.48103976427480074590e-1,
                                  1.51986665636164571966e-2,
                                  5.47593808499534494600e-4,
                                  1.05075007164441684324e-9};
  static constexpr Coefficients e{6.65790464350110377720e0,  5.46378491116411436990e0,
                                  1.78482653991729133580e0,  2.96560571828504891230e-1,
                                  2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                  2.71155556874348757815e-5, 2.01033439929228813265e-7};
  static constexpr Coefficients f{1.0,
                                  5.99832206555887937690e-1,
                                  1.36929880922735805310e-1,
                                  1.48753612908506148525e-2,
                                  7.86869131145613259100e-4,
                                  1.84631831751005468180e-5,
                                  1.42151175831644588870e-7,
                                  2.04426310338993978564e-15};
  const double centred = p - 0.5;
  if (std::abs(centred) <= 0.425) {
    const double r = 0.180625 - centred * centred;
    return centred * polynomial(a, r) / polynomial(b, r);
  }
  const double r = std::sqrt(-std::log(std::min(p, 1.0 - p)));
  const double tail = r <= 5.0 ? polynomial(c, r - 1.6) / polynomial(d, r - 1.6)
                               : polynomial(e, r - 5.0) / polynomial(f, r - 5.0);
  return centred < 0.0 ? -tail : tail;
}

double chi_square_exceeded(double above, double freedom) {
  const double a = 0.5 * freedom, log_above = std::log(above);
  // Wilson and Hilferty's approximation, then Newton on the log of the probability, which is concave in x.
  const double ninth = 2.0 / (9.0 * freedom);
  double x =
      0.5 * freedom * std::pow(std::max(1.0 - ninth - normal_quantile(above) * std::sqrt(ninth), 0.1), 3);
  for (int iteration = 0; iteration < 60; ++iteration) {
    const double log_tail = log_gamma_above(a, x);
    const double log_density = (a - 1.0) * std::log(x) - x - special::log_gamma(a);
    const double next = x + (log_tail - log_above) * std::exp(log_tail - log_density);
    const double moved = next > 0.0 ? next : 0.5 * x;
    const bool settled = std::abs(moved - x) <= 1e-14 * x;
    x = moved;
    if (settled) break;
  }
  return 2.0 * x;
}

double student_exceeded(double above, Index freedom) {
  double low = 0.0, high = 1.0;
  while (student_tail(high, freedom) > above) low = high, high *= 2.0;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = 0.5 * (low + high);
    (student_tail(middle, freedom) > above ? low : high) = middle;
  }
  return high;
}

}  // namespace vfe
