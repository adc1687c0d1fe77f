#include "vfe/model/gauss_hermite.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace vfe {

GaussHermite gauss_hermite(Index n, Index k) {
  const Eigen::ArrayXd off_diagonal =
      Eigen::ArrayXd::LinSpaced(n - 1, 1.0, static_cast<double>(n - 1)).sqrt();
  Eigen::SelfAdjointEigenSolver<Matrix> solver;
  solver.computeFromTridiagonal(Vector::Zero(n), off_diagonal.matrix());
  // Symmetric about 0, but for rounding.
  const Vector found = solver.eigenvalues();
  const Vector nodes = 0.5 * (found - found.reverse());
  Vector weights = solver.eigenvectors().row(0).transpose().array().square();
  weights = (0.5 * (weights + weights.reverse())).eval();

  Index size = 1;
  for (Index j = 0; j < k; ++j) size *= n;
  GaussHermite rule{Matrix(k, size), Vector::Zero(size)};
  std::vector<Index> order(static_cast<std::size_t>(size));
  std::iota(order.begin(), order.end(), Index{0});
  if (n % 2 == 1) std::swap(order[0], order[static_cast<std::size_t>(size / 2)]);
  for (Index i = 0; i < size; ++i) {
    Index place = order[static_cast<std::size_t>(i)];
    for (Index j = 0; j < k; ++j, place /= n) {
      rule.nodes(j, i) = nodes[place % n];
      rule.log_weights[i] += std::log(weights[place % n]) + 0.5 * nodes[place % n] * nodes[place % n];
    }
  }
  return rule;
}

}  // namespace vfe
