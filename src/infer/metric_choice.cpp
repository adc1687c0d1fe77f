#include "infer/metric_choice.hpp"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <vector>

namespace vfe {
namespace {

constexpr double least_gain = 0.02;
constexpr double negligible = 1e-6;  // divergence per coordinate that is not worth a change
constexpr double trimmed = 0.02;     // share of the draws, of the largest divergence, that is left out
constexpr double few_pseudo_draws = 5.0;

/// Draws and gradients in the coordinates of the metric in use.
struct Scores {
  Matrix u, g;
};

Scores columns(const Scores& all, const std::vector<Index>& which) {
  return {all.u(Eigen::all, which), all.g(Eigen::all, which)};
}

Vector variances(ConstMat x) {
  return (x.colwise() - x.rowwise().mean()).rowwise().squaredNorm() / static_cast<double>(x.cols() - 1);
}

/// Covariance, shrunk to I as by `pseudo_draws` draws more.
Matrix shrunk_covariance(ConstMat x, double pseudo_draws) {
  const double n = static_cast<double>(x.cols());
  const Matrix centred = x.colwise() - x.rowwise().mean();
  Matrix sum = Matrix::Identity(x.rows(), x.rows()) * pseudo_draws;
  sum.noalias() += centred * centred.transpose();
  return sum / (n - 1.0 + pseudo_draws);
}

Affine linear(const Matrix& scale) {
  return {Vector::Zero(scale.rows()), scale};
}

/// What multiplies the scale.
Affine lengths(const Scores& sample) {
  const Vector u = variances(sample.u), g = variances(sample.g);
  Matrix factor = Matrix::Ones(u.size(), 1);
  for (Index i = 0; i < u.size(); ++i) {
    const double length = std::pow(u(i) / g(i), 0.25);
    if (std::isfinite(length) && length > 0.0) factor(i) = length;  // else the chains have not moved
  }
  return linear(factor);
}

Affine fisher(const Scores& sample, double pseudo_draws) {
  // A = G^-1/2 (G^1/2 U G^1/2)^1/2 G^-1/2, of which the Cholesky factor is as good as the root: the metric is
  // defined up to a rotation.
  const Matrix u = shrunk_covariance(sample.u, pseudo_draws), g = shrunk_covariance(sample.g, pseudo_draws);
  const Eigen::SelfAdjointEigenSolver<Matrix> of_g(g);
  const Matrix root = of_g.operatorSqrt(), inverse_root = of_g.operatorInverseSqrt();
  const Eigen::SelfAdjointEigenSolver<Matrix> middle(root * u * root);
  const Matrix square = inverse_root * middle.operatorSqrt() * inverse_root;
  return linear(square.llt().matrixL());
}

double divergence(const Affine& factor, const Scores& fitted, const Scores& held_out) {
  const auto residuals = [&](const Scores& sample) -> Matrix {
    return factor.pull_back(sample.g) + factor.whiten(sample.u);
  };
  const Vector centre = residuals(fitted).rowwise().mean();
  Vector square = (residuals(held_out).colwise() - centre).colwise().squaredNorm().transpose();
  if (!square.allFinite()) return INFINITY;
  std::sort(square.begin(), square.end());
  const auto kept = static_cast<Index>(std::ceil((1.0 - trimmed) * static_cast<double>(square.size())));
  return square.head(kept).mean();
}

}  // namespace

MetricChoice choose_metric(const Affine& metric, ConstMat x, ConstMat gradient, Index chains, bool dense) {
  const Index d = x.rows();
  const Affine centred{x.rowwise().mean(), metric.scale};
  const Scores all{centred.whiten(x), centred.pull_back(gradient)};
  std::vector<Index> first, second;
  for (Index s = 0; s < x.cols(); ++s) (s % chains < chains / 2 ? first : second).push_back(s);
  const Scores fitted = columns(all, first), held_out = columns(all, second);

  const double kept = divergence(linear(Matrix::Ones(d, 1)), fitted, held_out);
  MetricChoice best{"kept", metric, kept};
  if (kept < negligible * static_cast<double>(d)) return best;
  const auto consider = [&](const char* name, const auto& fit) {
    const double found = divergence(fit(fitted), fitted, held_out);
    if (found < (1.0 - least_gain) * kept && found < best.divergence) {
      best = {name, compose(centred, fit(all)), found};
    }
  };
  consider("diagonal", lengths);
  if (dense) {
    consider("Fisher", [](const Scores& sample) { return fisher(sample, few_pseudo_draws); });
    consider("Fisher", [&](const Scores& sample) {
      return fisher(sample, static_cast<double>(std::max<Index>(d, 1)));
    });
  }
  return best;
}

}  // namespace vfe
