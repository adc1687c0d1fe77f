#include "vfe/model/gauss_hermite.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace vfe {
namespace {

/// Of one node of n: Christoffel's number, one over the sum of squares of the orthonormal polynomials. First
/// entries of eigenvectors, of which the squares are the same, have errors larger than the weights far out.
double log_weight(double node, Index n) {
  double before = 0.0, here = 1.0, sum = 1.0;
  for (Index j = 1; j < n; ++j) {
    const double next =
        (node * here - std::sqrt(static_cast<double>(j - 1)) * before) / std::sqrt(static_cast<double>(j));
    before = here;
    here = next;
    sum += here * here;
  }
  return -std::log(sum);
}

}  // namespace

GaussHermite gauss_hermite(Index n, Index k) {
  const Eigen::ArrayXd off_diagonal =
      Eigen::ArrayXd::LinSpaced(n - 1, 1.0, static_cast<double>(n - 1)).sqrt();
  Eigen::SelfAdjointEigenSolver<Matrix> solver;
  solver.computeFromTridiagonal(Vector::Zero(n), off_diagonal.matrix(), Eigen::EigenvaluesOnly);
  // Symmetric about 0, but for rounding.
  const Vector found = solver.eigenvalues();
  const Vector nodes = 0.5 * (found - found.reverse());
  const Vector log_weights = nodes.unaryExpr([n](double node) { return log_weight(node, n); });

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
      rule.log_weights[i] += log_weights[place % n] + 0.5 * nodes[place % n] * nodes[place % n];
    }
  }
  return rule;
}

}  // namespace vfe
