#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// A generalised Pareto distribution fitted to exceedances.
struct ParetoFit {
  double shape = 0.0;  ///< k-hat
  double scale = 0.0;
};
/// Zhang and Stephens (2009), with the weak prior on k of Vehtari et al. (2024); x > 0, any order.
ParetoFit fit_pareto(ConstVec exceedances);

/// Pareto smoothed importance sampling (Vehtari, Simpson, Gelman, Yao and Gabry 2024).
struct Psis {
  Vector log_weights;  ///< smoothed, normalised to sum 1
  double khat = 0.0;   ///< +infinity when the tail cannot be fitted
  double ess = 0.0;    ///< 1 / sum w^2
};
Psis psis(ConstVec log_weights);

/// min(1 - 1/log10(S), 0.7): the largest k-hat that S draws support.
double khat_threshold(Index num_draws);

/// Systematic resampling in proportion to the weights: `count` indices, ascending; `u` in (0, 1).
std::vector<Index> resample(ConstVec log_weights, Index count, double u);

}  // namespace vfe
