#pragma once
#include <Eigen/Dense>

#include "vfe/family/affine.hpp"

namespace vfe {

/// What `base` takes to theta, d x S.
inline Matrix whiten(const Affine& base, ConstMat theta) {
  Matrix u = theta.colwise() - base.shift;
  if (base.diagonal()) {
    u.array().colwise() /= base.scale.col(0).array();
  } else {
    base.scale.triangularView<Eigen::Lower>().solveInPlace(u);
  }
  return u;
}

}  // namespace vfe
