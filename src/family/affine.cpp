#include "vfe/family/affine.hpp"

#include <Eigen/Dense>

namespace vfe {

Matrix Affine::apply(ConstMat u) const {
  return stretch(u).colwise() + shift;
}

Matrix Affine::whiten(ConstMat theta) const {
  Matrix u = theta.colwise() - shift;
  if (u.cols() == 0) return u;  // nothing to refer to
  if (diagonal()) {
    u.array().colwise() /= scale.col(0).array();
  } else {
    scale.triangularView<Eigen::Lower>().solveInPlace(u);
  }
  return u;
}

Matrix Affine::stretch(ConstMat u) const {
  if (diagonal()) return scale.col(0).asDiagonal() * u;
  return scale.triangularView<Eigen::Lower>() * u;
}

Matrix Affine::pull_back(ConstMat grad_theta) const {
  if (diagonal()) return scale.col(0).asDiagonal() * grad_theta;
  return scale.triangularView<Eigen::Lower>().transpose() * grad_theta;
}

double Affine::log_det() const {
  if (diagonal()) return scale.col(0).array().abs().log().sum();
  return scale.diagonal().array().abs().log().sum();
}

Affine compose(const Affine& outer, const Affine& inner) {
  Affine result{outer.apply(inner.shift), {}};
  if (outer.diagonal() && inner.diagonal()) {
    result.scale = outer.scale.cwiseProduct(inner.scale);
  } else if (inner.diagonal()) {
    result.scale = outer.scale.triangularView<Eigen::Lower>();
    result.scale *= inner.scale.col(0).asDiagonal();
  } else {
    result.scale = outer.stretch(inner.scale.triangularView<Eigen::Lower>().toDenseMatrix());
  }
  return result;
}

}  // namespace vfe
