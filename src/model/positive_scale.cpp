#include "vfe/model/positive_scale.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>

namespace vfe {
namespace {

constexpr double least = 0.1;  ///< below which eigenvalues are rounded

double positive(double x) {
  return std::abs(x) >= least ? std::abs(x) : (x * x + least * least) / (2.0 * least);
}

double positive_slope(double x) {
  return std::clamp(x / least, -1.0, 1.0);
}

using Eigensystem = Eigen::SelfAdjointEigenSolver<Matrix>;

bool is_itself(const Eigensystem& of) {
  return of.eigenvalues()[0] >= least;
}

}  // namespace

Matrix positive_scale(ConstMat curvature) {
  if (!curvature.allFinite())
    return Matrix::Constant(curvature.rows(), curvature.cols(), std::numeric_limits<double>::quiet_NaN());
  const Eigensystem of(curvature);
  if (is_itself(of)) return curvature;
  return of.eigenvectors() * of.eigenvalues().unaryExpr(&positive).asDiagonal() *
         of.eigenvectors().transpose();
}

Matrix pull_back_positive_scale(ConstMat curvature, ConstMat weight) {
  const Eigensystem of(curvature);
  if (is_itself(of)) return weight;
  // A function of a matrix moves by its divided differences, in the eigenvectors' basis (Daleckii and Krein).
  Matrix inner = of.eigenvectors().transpose() * weight * of.eigenvectors();
  const Vector& at = of.eigenvalues();
  for (Index j = 0; j < inner.cols(); ++j) {
    for (Index i = 0; i < inner.rows(); ++i) {
      const double apart = at[i] - at[j];
      inner(i, j) *= std::abs(apart) > 1e-6 ? (positive(at[i]) - positive(at[j])) / apart
                                            : positive_slope(0.5 * (at[i] + at[j]));
    }
  }
  return of.eigenvectors() * inner * of.eigenvectors().transpose();
}

}  // namespace vfe
