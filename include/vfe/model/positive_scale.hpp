#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// A positive definite matrix to stand for a curvature where that is none: its eigenvalues' absolute values,
/// those below 0.1 rounded so that the matrix is differentiable and at least 0.05. Above, it is the curvature
/// itself. k x k, symmetric; NaN where the curvature is not finite.
Matrix positive_scale(ConstMat curvature);
/// The weights of a curvature, of those of its positive scale: what the derivatives of the sum of weight :
/// scale by the curvature are.
Matrix pull_back_positive_scale(ConstMat curvature, ConstMat weight);

}  // namespace vfe
