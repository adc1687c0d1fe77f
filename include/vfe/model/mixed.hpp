#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "vfe/core/row_source.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/local_model.hpp"

namespace vfe {

/// A generalised linear model with effects of groups over a shard: to the linear predictor of a row its
/// numbers of effects are added, times the effects of its group, b ~ normal(0, D C D): sds D and correlations
/// C. The effects of one grouping are latent variables of a LocalModel, in units of their sds and
/// uncorrelated, z ~ normal(0, 1) with b = D L z, C = L L'; with them those of a grouping that they are
/// nested in. Those of other groupings, of few levels, are parameters in the same units, or as they are
/// (GroupEffects::centred).
///
/// Parameters: those of Glm, then of each grouping g in the order of the schema, "sd_g" [effect]; of
/// correlated effects, two of them "cor_g", more "cor_cholesky_g", L; of groupings that are not integrated
/// "z_g" or "b_g" [level, effect]. Priors: GlmOptions::group_prior, correlation_prior. Likelihoods: linear,
/// student_t, logistic, binomial, poisson, negative_binomial.
class Mixed final : public LocalModel {
 public:
  /// Rows of a group of the integrated grouping, and of the one that it is nested in, must stand together in
  /// one block. Throws as Glm; Fault::config for a likelihood, prior or grouping that there is no such model
  /// of.
  Mixed(const GlmOptions& options, std::shared_ptr<const RowSource> rows);
  ~Mixed() override;

  const Parameters& parameters() const override;
  Index num_latents() const override;
  Index num_outer_latents() const override;
  bool is_quadratic() const override;
  Index blocks() const override;
  Index rows(Index block) const override;
  Index first_block() const override;
  void log_prior(ConstMat theta, Vec value, Mat grad) const override;
  std::vector<Parameter> log_prior_terms() const override;
  void compute_log_prior_terms(ConstMat theta, Mat values) const override;
  Vector draw_start(const Address& at, Reach reach) const override;

  /// Those of Glm; of each grouping sds and correlations, then, if numbers of effects or the response are
  /// standardised, what they come to on the user's scale: sd_g_original, cor_g_original; z_g and b_g at the
  /// end.
  const std::vector<Parameter>& quantities() const override;
  void compute_quantities(ConstMat theta, Mat values) const override;

  Index groups(Index block) const override;
  std::vector<Index> outer_groups(Index block) const override;
  std::unique_ptr<LocalDensity> at(Index block, ConstVec theta) const override;

  /// Effects are on the user's scale, of numbers and response.
  Grouping grouping() const override;
  Matrix effects_of_latents(ConstVec theta) const override;
  GroupCodes group_codes(Index block) const override;
  std::vector<Index> group_rows(Index block) const override;
  std::vector<Grouping> parameter_groupings() const override;
  Matrix parameter_effects(std::size_t grouping, ConstVec theta) const override;
  void count_parameter_rows(std::size_t grouping, Index block,
                            std::vector<std::int64_t>& rows) const override;

  /// F of effects b = F z of a grouping, of those of the schema, on the user's scale, z ~ normal(0, 1): what
  /// groups differ by that no row is of.
  Matrix effects_factor(std::size_t grouping, ConstVec theta) const;

  struct Impl;

 private:
  std::unique_ptr<const Impl> impl_;
};

/// Which of a design's groupings has its effects integrated: the one by most columns; of several such the one
/// with most levels; of several that have no list of levels the first.
std::size_t integrated_effects(const DesignSchema& schema);
/// The grouping, by some of its columns, that it is within, and whose effects are integrated with it; of
/// several the innermost.
std::optional<std::size_t> outer_effects(const DesignSchema& schema);

}  // namespace vfe
