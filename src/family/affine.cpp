#include "vfe/family/affine.hpp"

#include <Eigen/Dense>

namespace vfe {

Matrix Affine::apply(ConstMat u) const {
  Matrix theta =
      diagonal() ? Matrix(scale.col(0).asDiagonal() * u) : Matrix(scale.triangularView<Eigen::Lower>() * u);
  theta.colwise() += shift;
  return theta;
}

Matrix Affine::pull_back(ConstMat grad_theta) const {
  if (diagonal()) return scale.col(0).asDiagonal() * grad_theta;
  return scale.triangularView<Eigen::Lower>().transpose() * grad_theta;
}

double Affine::log_det() const {
  if (diagonal()) return scale.col(0).array().abs().log().sum();
  return scale.diagonal().array().abs().log().sum();
}

}  // namespace vfe
