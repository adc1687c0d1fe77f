#include "statistics/stein.hpp"

#include "vfe/statistics/distributions.hpp"

namespace vfe::stein {

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
  return design.group.empty() ? -normal_quantile(p) : student_exceeded(p, design.num_groups - 1);
}

}  // namespace vfe::stein
