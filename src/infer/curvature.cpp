#include "infer/curvature.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "vfe/core/random.hpp"

namespace vfe {
namespace {

constexpr Index axes_per_call = 256;  // bounds the memory of a call

/// Sets product (d x n) to the Hessian of -log f times the axes; a column is NaN where an end is not finite.
void hessian_product(const Target& target, const Minibatch& batch, ConstVec x, ConstMat axes, double step,
                     Mat product) {
  const Index n = axes.cols();
  Matrix theta(x.size(), 2 * n), grad(x.size(), 2 * n);
  theta.leftCols(n) = (step * axes).colwise() + x;
  theta.rightCols(n) = (-step * axes).colwise() + x;
  Vector value(2 * n);
  target.log_joint(batch, theta, value, grad);
  for (Index i = 0; i < n; ++i) {
    if (std::isfinite(value(i)) && std::isfinite(value(n + i))) {
      product.col(i) = (grad.col(n + i) - grad.col(i)) / (2.0 * step);
    } else {
      product.col(i).setConstant(std::numeric_limits<double>::quiet_NaN());
    }
  }
}

}  // namespace

Curvature curvature(const Target& target, const Minibatch& batch, ConstVec x, ConstMat axes, double step) {
  const Index d = x.size(), n = axes.cols();
  Curvature result{Matrix(n, n)};
  for (Index first = 0; first < n; first += axes_per_call) {
    const Index count = std::min(axes_per_call, n - first);
    Matrix product(d, count);
    hessian_product(target, batch, x, axes.middleCols(first, count), step, product);
    result.hessian.middleCols(first, count).noalias() = axes.transpose() * product;
  }
  for (Index i = 0; i < n; ++i) {
    if (result.hessian.col(i).allFinite()) continue;
    ++result.non_finite;
    result.hessian.col(i).setZero();
    result.hessian.row(i).setZero();
    result.hessian(i, i) = 1.0;
  }
  result.hessian = (0.5 * (result.hessian + result.hessian.transpose())).eval();
  return result;
}

Vector curvature_diagonal(const Target& target, const Minibatch& batch, ConstVec x, ConstVec scaling,
                          double step) {
  const Index d = x.size();
  Vector diagonal(d);
  for (Index first = 0; first < d; first += axes_per_call) {
    const Index count = std::min(axes_per_call, d - first);
    Matrix axes = Matrix::Zero(d, count), product(d, count);
    for (Index j = 0; j < count; ++j) axes(first + j, j) = scaling(first + j);
    hessian_product(target, batch, x, axes, step, product);
    for (Index j = 0; j < count; ++j) diagonal(first + j) = scaling(first + j) * product(first + j, j);
  }
  return diagonal;
}

Vector curvature_diagonal(const Target& target, const Minibatch& batch, ConstVec x, ConstVec scaling,
                          double step, Index probes, std::uint64_t seed) {
  const Index d = x.size();
  Matrix axes(d, probes), product(d, probes);
  for (Index k = 0; k < probes; ++k) {
    const Address at{.seed = seed, .purpose = Purpose::curvature, .draw = static_cast<std::uint32_t>(k)};
    for (Index i = 0; i < d; ++i) {
      axes(i, k) = uniform(at, static_cast<std::uint32_t>(i)) < 0.5 ? -scaling(i) : scaling(i);
    }
  }
  // Every probe moves all coordinates: shorter by sqrt(d) to stay as near.
  hessian_product(target, batch, x, axes, step / std::sqrt(static_cast<double>(d)), product);
  return axes.cwiseProduct(product).rowwise().mean();
}

}  // namespace vfe
