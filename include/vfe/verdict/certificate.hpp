#pragma once
#include <functional>
#include <string>
#include <vector>

#include "vfe/infer/chains.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/verdict/moments.hpp"

namespace vfe {

/// The values by whose moments a sample of the posterior is judged.
struct JudgedValues {
  std::function<Matrix(ConstMat theta)> compute;  ///< d x S to P x S; what cannot be computed is NaN
  std::vector<Index> coordinate = {};             ///< see WeightedDraws::coordinate; may be empty
  std::function<std::string(Index value)> name = {};
};

/// What the moments of a sample may be off by, three...
struct StandardErrorLimits {
  double mean = 0.0, sd = 0.0;  ///< in sds of the posterior
};
/// Limits at which errors of 0.1 sd in a mean, 5 % in a sd, of any of P values have probability below 0.005:
/// 0.1 and 0.05 over the quantile of Student's t with groups - 1 degrees of freedom (0: of the normal) at 1 -
/// 0.005 / (2 P).
StandardErrorLimits standard_error_limits(Index values, Index groups);

/// Whether a sample's moments can be trusted, and why not.
struct Certificate {
  bool holds = false;
  std::string reason;  ///< in plain words: all that was checked, with numbers, or what failed
  Moments moments;     ///< of the judged values
  double khat = 0.0, khat_limit = 0.0, ess = 0.0;  ///< of the weights; chains: 0, 0, from the moments' errors
  double rhat = 0.0, rhat_limit = 0.0;             ///< chains only
  double lag_correlation = 0.0;                    ///< chains only
  double shortfall = 0.0;                          ///< largest (standard error / its limit)^2
};

/// All of: k-hat within its limit; 100 effective draws; standard errors within their limits; the Stein check;
/// weighted tails <= 0.7, resampled <= 0.6. ...
Certificate certify(const WeightedPool& pool, const Affine& whitening, const JudgedValues& values,
                    const MomentOptions& options = {});
/// nested R-hat, standard errors from groups (superchains), the Stein check, resampled tails, no divergences
/// (the caller passes them)
Certificate certify(const ChainDraws& draws, Index divergences, const Affine& whitening,
                    const JudgedValues& values, const MomentOptions& options = {});

/// As rules for the stages. What the metric / whitening is, they ...
PoolRule pool_rule(const JudgedValues& values);
ChainRule chain_rule(const JudgedValues& values);

/// Whether the moments of short chains (the audit) agree with those of a certified pool: within 5 joint
/// standard errors. Empty if so, else what disagrees.
std::string disagreement(const Moments& pool, const Moments& chains, double errors,
                         const JudgedValues& values);

}  // namespace vfe
