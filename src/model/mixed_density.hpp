#pragma once
#include <array>

#include "model/mixed_impl.hpp"

namespace vfe {

/// The groups of a block at theta. With Z_r a row's numbers of effects and F the factor of the effects, the
/// linear predictor is that of theta plus Z_r F z: sums over a group's rows are of Z_r, and then multiplied.
/// K is the number of effects, those of an outer group included, or Eigen::Dynamic.
template <int K>
class MixedDensity final : public LocalDensity {
 public:
  MixedDensity(const Mixed::Impl& model, const GroupedRows& block, ConstVec theta);

  void evaluate(Index group, ConstMat z, Vec value, Mat slope) override;
  void add_gradient(Index group, ConstVec weight) override;
  void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) override;
  void differentiate_scale(ConstMat scale_weight, Mat slope) override;
  void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) override;
  void pull_back(Vec grad) override;

 private:
  using Square = Eigen::Matrix<double, K, K>;
  using Effects = Eigen::Matrix<double, K, 1>;
  using EffectRows = Eigen::Matrix<double, K, Eigen::Dynamic>;  // a column a group, or a point
  using Row = Eigen::Matrix<double, 1, K>;

  Row numbers(Index row) const { return block_.numbers.row(row); }
  /// Sum over the rows of a group of numbers times `of`; of products of two numbers.
  Effects sum_rows(Index group, const Vector& of) const;
  Square sum_squares(Index group, const Vector& of) const;

  const Mixed::Impl& model_;
  const GroupedRows& block_;
  const Vector theta_;
  const Index size_, outer_, groups_;  // effects, of them those of an outer group
  const Square factor_;
  const glm_kernel::DrawConstants constants_;
  const Vector predictor_;

  // Where evaluate() was last: points, padded to a multiple; by point sums over rows, by row and point
  // slopes.
  Index points_ = 0;
  EffectRows at_;                                          // z, padded
  Rows::RowMajor<double> effects_, effect_slope_, slope_;  // [effect, point], likewise, [row, point]
  Vector value_;
  std::array<Vector, 2> by_scale_;

  // Where expand() was.
  EffectRows expanded_at_, expanded_sums_;
  Vector eta_, expanded_slope_, curvature_, spread_, spread_slope_, spread_weight_;
  std::array<Vector, 2> slope_by_scale_, spread_by_scale_;

  // The gradient: by the linear predictor of rows, by factor and scales.
  Vector residual_;
  Square by_factor_;
  std::array<double, 2> by_scales_{};
};

extern template class MixedDensity<1>;
extern template class MixedDensity<2>;
extern template class MixedDensity<3>;
extern template class MixedDensity<Eigen::Dynamic>;

}  // namespace vfe
