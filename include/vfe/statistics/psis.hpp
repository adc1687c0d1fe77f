#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// A generalised Pareto distribution fitted to exceedances.
struct ParetoFit {
  double shape = 0.0;  ///< k-hat
  double scale = 0.0;
};
/// Zhang and Stephens (2009), with the weak prior on k of Vehtari et al. (2024); x > 0, any order, at least
/// one. Not finite where the sample says nothing (a quarter of it is zero, say).
ParetoFit fit_pareto(ConstVec exceedances);

/// Pareto smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry 2024).
struct Psis {
  Vector log_weights;  ///< smoothed, normalised to sum 1
  /// +infinity when the tail cannot be fitted: 20 draws or fewer, or too few different ones in the tail. 0
  /// when all weights are within 0.01 nats of each other or the largest are equal to 1e-6, as when q is the
  /// posterior: there is no tail whose shape could matter.
  double khat = 0.0;
  double ess = 0.0;  ///< 1 / sum w^2
  /// Standard error of k-hat: that of the maximum likelihood estimate, (1 + k) / sqrt(draws of the tail)
  /// (Smith 1987); 0 where there is no tail.
  double khat_error = 0.0;
  double span = 0.0;  ///< [nats] of the tail: the largest weight over the one at which the tail begins
};
/// The tail is that of Vehtari et al.: the ceil(min(S/5, 3 sqrt S)) largest weights. A weight may be 0 (its
/// log -infinity); if all are, they stay so and ess is 0. Throws Fault::numeric on NaN or +infinity.
Psis psis(ConstVec log_weights);

/// min(1 - 1/log10(S), 0.7): the largest k-hat that S draws support.
double khat_threshold(Index num_draws);

/// Systematic resampling in proportion to the weights (normalised or not): `count` indices, ascending; `u` in
/// (0, 1). Throws Fault::numeric if all weights are 0 or one is not a number.
std::vector<Index> resample(ConstVec log_weights, Index count, double u);

}  // namespace vfe
