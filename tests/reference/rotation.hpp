#pragma once
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// A product of reflections I - 2 v v' at random unit vectors v (Householder): O(d) each.
class Rotation {
 public:
  Rotation(Index d, Index reflections) : v_(d, reflections) {
    fill_normal({.seed = 17, .purpose = Purpose::simulate}, v_);
    v_.colwise().normalize();
  }
  Vector apply(Vector x) const {
    for (Index k = v_.cols() - 1; k >= 0; --k) reflect(k, x);
    return x;
  }
  Vector apply_transpose(Vector x) const {
    for (Index k = 0; k < v_.cols(); ++k) reflect(k, x);
    return x;
  }
  /// Of the coordinates of apply(z) for independent z with these sds.
  Vector sds(const Vector& sd) const {
    Vector variance = Vector::Zero(sd.size());
    for (Index i = 0; i < sd.size(); ++i) {
      variance += apply(sd[i] * Vector::Unit(sd.size(), i)).array().square().matrix();
    }
    return variance.cwiseSqrt();
  }

 private:
  void reflect(Index k, Vector& x) const { x -= (2.0 * v_.col(k).dot(x)) * v_.col(k); }

  Matrix v_;  ///< a column per reflection
};

}  // namespace vfe
