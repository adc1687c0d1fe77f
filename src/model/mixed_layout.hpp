#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// Where a grouping's parameters stand in theta.
struct EffectsLayout {
  const GroupEffects* effects = nullptr;
  Index size = 0;                 ///< effects
  Index sd = 0;                   ///< first of their logs
  Parameters correlations;        ///< none, one of a bounded number, or of a Cholesky factor
  Index correlation = -1;         ///< first coordinate of these
  Index latent = -1;              ///< first of z [level, effect], of effects that are parameters; else -1
  Index levels = 0;               ///< of these
  std::vector<double> sd_scales;  ///< by effect
  std::vector<ScalePrior> sd_priors;
  double correlation_shape = 1.0;
  /// Whether sds and correlations are quantities on the user's scale as well.
  bool has_original_sds = false, has_original_correlations = false;

  bool is_parameter() const { return latent >= 0; }
  /// Of those that are parameters: b rather than z.
  bool is_centred() const { return is_parameter() && effects->centred; }

  /// D L at theta: b = factor z.
  Matrix factor(ConstVec theta) const;
  /// Adds the gradient by theta, given that by the factor.
  void pull_back(ConstVec theta, ConstMat by_factor, Vec grad) const;
  // Of effects that are parameters, [effect, level]:
  Eigen::Map<const Matrix> latents(ConstVec theta) const;
  Matrix effects_at(ConstVec theta) const;  ///< b
  /// Adds the gradient by theta, given that by b.
  void pull_back_effects(ConstVec theta, ConstMat by_effects, Vec grad) const;
  /// Adds the log density of the latents, and its gradient unless that is empty.
  void add_log_prior_of_latents(ConstVec theta, double& value, Vec grad) const;

  /// L at theta.
  Matrix correlation_factor(ConstVec theta) const;
  /// Adds log priors of sds and correlations and their Jacobian by parameter ("sd", "cor") and their slopes;
  /// without the Jacobian where `grad` is empty and `jacobian` false.
  void add_log_prior(ConstVec theta, Vec of_sds, double& of_correlations, bool jacobian, Vec grad) const;
};

struct MixedLayout {
  std::vector<EffectsLayout> groupings;  ///< as in the schema
  std::size_t integrated = 0;            ///< which of these
  std::optional<std::size_t> outer;      ///< whose groups these are within, integrated as well
  std::vector<Parameter> parameters;     ///< after those of the GLM
  std::vector<Parameter> quantities;     ///< likewise
};

/// Throws Fault::config.
MixedLayout mixed_layout(const GlmOptions& options, const DesignSchema& schema, Index first_coordinate);

/// Sds and correlations of effects b = factor z.
struct EffectMoments {
  Vector sd, correlation;  ///< correlations by pair, (0, 1), (0, 2), (1, 2), ...
};
EffectMoments effects_of(ConstMat factor);

/// The factor of the effects on the user's scale.
Matrix original_factor(const GroupEffects& effects, ConstMat factor, double response_scale);

}  // namespace vfe
