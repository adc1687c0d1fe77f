#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// An affine map theta = shift + scale u. `scale` is d x d, of which the lower triangle is used, or d x 1 for
/// a diagonal map (at d = 1 the two are the same).
struct Affine {
  Vector shift;
  Matrix scale;
  Index size() const { return shift.size(); }  ///< d
  bool diagonal() const { return scale.cols() == 1; }
  Matrix apply(ConstMat u) const;               ///< d x S to d x S
  Matrix whiten(ConstMat theta) const;          ///< its inverse: what apply() takes to theta, d x S
  Matrix stretch(ConstMat u) const;             ///< scale u: apply() without the shift, d x S
  Matrix pull_back(ConstMat grad_theta) const;  ///< gradients with respect to u, d x S
  double log_det() const;                       ///< log |det scale| [nats]
  bool operator==(const Affine&) const = default;
};

/// `outer` after `inner`: u -> outer.apply(inner.apply(u)). Diagonal where both are.
Affine compose(const Affine& outer, const Affine& inner);

}  // namespace vfe
