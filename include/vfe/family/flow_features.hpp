#pragma once
#include "vfe/family/flow.hpp"

namespace vfe {

/// What the conditionals of a flow are linear in, for n draws, as the coordinates become known one by one.
/// The features of coordinate i are the first columns of the same three matrices for every i.
class FlowFeatures {
 public:
  /// Products are formed of the first `squared` coordinates; mean(i, true) is there for i up to
  /// `last_quadratic`.
  FlowFeatures(Index draws, Index d, Index squared, Index last_quadratic, double reach)
      : squared_(squared),
        last_quadratic_(last_quadratic),
        reach_(reach),
        linear_(draws, d + 1),
        clipped_(draws, d + 1),
        quadratic_(draws, Flow::num_mean_coefficients(last_quadratic, true, squared)) {
    linear_.col(0).setOnes();
    clipped_.col(0).setOnes();
    quadratic_.col(0).setOnes();
  }

  /// The values of the next coordinate.
  void append(ConstVec u) {
    const Index i = known_++;
    linear_.col(i + 1) = u.cwiseMax(-Flow::largest_linear_feature).cwiseMin(Flow::largest_linear_feature);
    clipped_.col(i + 1) = u.cwiseMax(-reach_).cwiseMin(reach_);
    if (i >= last_quadratic_) return;
    Index column = Flow::num_mean_coefficients(i, true, squared_);
    quadratic_.col(column++) = linear_.col(i + 1);
    if (i >= squared_) return;
    for (Index j = 0; j <= i; ++j, ++column) {
      quadratic_.col(column) = clipped_.col(j + 1).cwiseProduct(clipped_.col(i + 1));
      if (j == i) quadratic_.col(column).array() -= 1.0;
    }
  }

  Index squared() const { return squared_; }

  /// n x num_mean_coefficients(i): what the mean of coordinate i is linear in. Needs the coordinates before.
  auto mean(Index i, bool quadratic) const {
    return (quadratic ? quadratic_ : linear_).leftCols(Flow::num_mean_coefficients(i, quadratic, squared_));
  }
  /// n x (i + 1): what its log scale is linear in.
  auto log_scale(Index i) const { return clipped_.leftCols(i + 1); }

 private:
  Index squared_, last_quadratic_, known_ = 0;
  double reach_;
  Matrix linear_, clipped_, quadratic_;
};

}  // namespace vfe
