#pragma once
#include "vfe/core/types.hpp"
#include "vfe/family/flow_features.hpp"

namespace vfe {

/// Cholesky factors of the weighted second moments of a flow's features. Those of a coordinate are leading
/// columns, so their factor is a leading block, for every coordinate.
struct FeatureMoments {
  Matrix quadratic, linear, clipped;  ///< lower triangular
  /// Of all features of d coordinates; of quadratic ones up to those of coordinate `last_quadratic`. `ridge`
  /// is added to the diagonal.
  FeatureMoments(const FlowFeatures& features, ConstVec weight, Index d, Index last_quadratic, double ridge);
};

/// Minus the weighted mean log density of one coordinate of a flow given those before it [nats], plus a ridge
/// on all coefficients but the constants: what maximum likelihood minimises. Parameters: the coefficients of
/// m, those of l, skew, log tail.
class FlowObjective {
 public:
  /// Keeps references to features, u and weight (sum 1). `ridge` is per draw: over the effective draws. That
  /// of the coefficients is `stronger` times it.
  FlowObjective(const FlowFeatures& features, const Vector& u, const Vector& weight, Index i, bool quadratic,
                double nu, double ridge, double stronger = 1.0);

  Index num_parameters() const { return ridge_.size(); }
  /// Sets the gradient.
  double evaluate(ConstVec parameters, Vec grad) const;
  /// Weighted least squares for m, a constant scale from its residuals, no skew.
  Vector start(const FeatureMoments& moments) const;
  /// Steps in coordinates where the curvature at `start` is about 1, to steps of the parameters; and
  /// gradients back.
  Vector unwhiten(ConstVec step, const FeatureMoments& moments, const Vector& start) const;
  Vector pull_back(ConstVec grad, const FeatureMoments& moments, const Vector& start) const;
  Flow::Conditional conditional(ConstVec parameters) const;

 private:
  auto mean_factor(const FeatureMoments& moments) const {
    return (quadratic_ ? moments.quadratic : moments.linear).topLeftCorner(num_mean_, num_mean_);
  }

  const FlowFeatures& features_;
  const Vector& u_;
  const Vector& weight_;
  Index i_;
  bool quadratic_;
  double nu_;
  Index num_mean_, num_scale_;
  Vector ridge_;
};

}  // namespace vfe
