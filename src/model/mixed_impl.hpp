#pragma once
#include <array>
#include <memory>
#include <vector>

#include "model/design_products.hpp"
#include "model/glm_response.hpp"
#include "model/mixed_layout.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/model/mixed.hpp"

namespace vfe {

/// A block as the model takes it: its rows by group, and beside them what kernels take, padded with rows of
/// weight 0.
struct GroupedRows {
  PreparedRows rows;
  Index padded = 0;
  Vector y, beside, weight, offset;
  Vector data_terms;         ///< of each row, weighted: what of its log density depends on data alone
  std::vector<Index> first;  ///< row of each group; then the number of rows
  Matrix numbers;            ///< rows x effects that are integrated

  Index groups() const { return std::ssize(first) - 1; }
  BlockRange rows_of(Index group) const {
    return {first[static_cast<std::size_t>(group)], first[static_cast<std::size_t>(group) + 1]};
  }
};

struct Mixed::Impl {
  GlmOptions options;
  DesignSchema schema;
  Glm fixed;  ///< without effects and rows: priors, starts and quantities of its parameters
  GlmLayout fixed_layout;
  MixedLayout layout;
  Parameters parameters;
  std::vector<Parameter> quantities;
  DesignProducts products;
  Index first_block = 0;
  std::vector<GroupedRows> blocks;

  Impl(const GlmOptions& options, std::shared_ptr<const RowSource> rows);

  static DesignSchema without_effects(DesignSchema schema);
  const EffectsLayout& integrated() const { return layout.groupings[layout.integrated]; }
  const GroupedRows& block(Index block) const { return blocks[static_cast<std::size_t>(block)]; }
  GroupedRows prepared(Rows raw) const;
  /// Linear predictors of the rows without the effects that are integrated; 0 of those beyond the last.
  Vector predictor(const GroupedRows& block, ConstVec theta) const;
  /// Adds the gradient by theta, given that by these.
  void pull_back(const GroupedRows& block, ConstVec theta, ConstVec residual, Vec grad) const;
  /// z [effect, level] of effects that are parameters.
  static Eigen::Map<const Matrix> latents_of(const EffectsLayout& grouping, ConstVec theta);
};

/// The groups of a block at theta. With Z_r a row's numbers of effects and F the factor of the effects, the
/// linear predictor is that of theta plus Z_r F z: sums over a group's rows are of Z_r, and then multiplied.
class MixedDensity final : public LocalDensity {
 public:
  MixedDensity(const Mixed::Impl& model, const GroupedRows& block, ConstVec theta);

  void evaluate(ConstMat z, Vec value, Mat slope) override;
  void add_gradient(ConstVec weight) override;
  void multiply_gradient(ConstVec factor) override;
  void expand(ConstMat z, Mat slope, Mat curvature, Mat scale) override;
  void differentiate_scale(ConstMat scale_weight, Mat slope) override;
  void add_expansion_gradient(ConstMat direction, ConstMat scale_weight) override;
  void pull_back(Vec grad) override;

 private:
  void set_predictor(ConstMat z);
  /// Sets sum (effects) over the rows of a group of numbers times `of`.
  template <class Sum>
  void sum_rows(Index group, const Vector& of, Sum&& sum) const;
  /// Likewise of products of two numbers, effects x effects.
  template <class Sum>
  void sum_squares(Index group, const Vector& of, Sum&& sum) const;

  const Mixed::Impl& model_;
  const GroupedRows& block_;
  const Vector theta_;
  const Index size_, groups_;
  const Matrix factor_;
  const glm_kernel::DrawConstants constants_;
  Vector predictor_, eta_;
  // Of rows, where evaluate() was last ...
  Matrix evaluated_at_, row_sums_;  ///< z; sums of numbers times slopes
  Vector value_, slope_;
  std::array<Vector, 2> by_scale_;
  // ... and where expand() was.
  Matrix expanded_at_, expanded_sums_;
  Vector expanded_slope_, curvature_, spread_, spread_slope_, spread_weight_;
  std::array<Vector, 2> slope_by_scale_, spread_by_scale_;
  // The gradient: by the linear predictor of rows; by factor and scales, of each group.
  Vector residual_;
  Matrix by_factor_, by_scales_;
};

}  // namespace vfe
