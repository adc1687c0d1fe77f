#pragma once

/// Gamma functions as differences that stay accurate where the arguments are large and their difference
/// small. Scalar and free of the global state of std::lgamma; the kernel has the same formulas in vectors.
namespace vfe::special {

/// From here on the asymptotic series below are exact to double precision.
constexpr double asymptotic_from = 16.0;

/// log Gamma(x) - [(x - 1/2) log x - x + log(2 pi) / 2], x >= asymptotic_from (Abramowitz and Stegun 6.1.41).
double log_gamma_remainder(double x);
/// digamma(x) - log x, x >= asymptotic_from (Abramowitz and Stegun 6.3.18).
double digamma_remainder(double x);

double log_gamma(double x);   ///< x > 0
double digamma(double x);     ///< x > 0
double trigamma(double x);    ///< its derivative; x > 0
double tetragamma(double x);  ///< the derivative of that; x > 0
/// log Gamma(x + step) - log Gamma(x), x > 0, step >= 0.
double log_gamma_difference(double x, double step);
/// digamma(x + step) - digamma(x), x > 0, step >= 0.
double digamma_difference(double x, double step);

}  // namespace vfe::special
