#include "stein.hpp"

#include <cmath>
#include <numbers>

#include "quantiles.hpp"

namespace vfe::stein {
namespace {

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

/// The t that Student's distribution exceeds with probability p < 1/2.
double student_quantile(double p, Index degrees) {
  double low = 0.0, high = 1.0;
  while (student_tail(high, degrees) > p) low = high, high *= 2.0;
  for (int halving = 0; halving < 60; ++halving) {
    const double middle = 0.5 * (low + high);
    (student_tail(middle, degrees) > p ? low : high) = middle;
  }
  return high;
}

}  // namespace

Index num_features(ControlVariates set, Index d) {
  switch (set) {
    case ControlVariates::none:
      return 0;
    case ControlVariates::own:
      return 3;
    case ControlVariates::quadratic:
      return d * (d + 3) / 2;
    case ControlVariates::cubic:
      break;
  }
  return d * (d + 3) / 2 + d * (d + 1) * (d + 2) / 6;
}

void polynomials(ControlVariates set, ConstMat u, ConstMat g, Mat features) {
  const Index d = u.rows();
  for (Index s = 0; s < u.cols(); ++s) {
    Index next = 0;
    const auto add = [&](double value) { features(next++, s) = value; };
    for (Index i = 0; i < d; ++i) add(g(i, s));
    for (Index j = 0; j < d; ++j) {
      for (Index i = 0; i < j; ++i) add(g(i, s) * u(j, s) + g(j, s) * u(i, s));
      add(2.0 * (g(j, s) * u(j, s) + 1.0));
    }
    if (set != ControlVariates::cubic) continue;
    for (Index k = 0; k < d; ++k) {
      for (Index j = 0; j <= k; ++j) {
        for (Index i = 0; i <= j; ++i) {
          const double a = u(i, s), b = u(j, s), c = u(k, s);
          const double laplacian = 2.0 * ((i == j ? c : 0.0) + (i == k ? b : 0.0) + (j == k ? a : 0.0));
          add(g(i, s) * b * c + g(j, s) * a * c + g(k, s) * a * b + laplacian);
        }
      }
    }
  }
}

void powers(ConstVec u, ConstVec g, Mat features) {
  features.row(0) = g.transpose();
  features.row(1) = (u.array() * g.array() + 1.0).matrix().transpose();
  features.row(2) = (u.array() * (u.array() * g.array() + 2.0)).matrix().transpose();
}

double deviation_limit(Index count, const Design& design) {
  const double p = 0.0005 / static_cast<double>(count);
  return design.group.empty() ? -normal_quantile(p) : student_quantile(p, design.num_groups - 1);
}

}  // namespace vfe::stein
