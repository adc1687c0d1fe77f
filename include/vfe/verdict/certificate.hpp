#pragma once
#include <functional>
#include <string>
#include <vector>

#include "vfe/infer/chains.hpp"
#include "vfe/infer/importance.hpp"
#include "vfe/statistics/moments.hpp"

namespace vfe {

/// The values by whose moments a sample of the posterior is judged.
struct JudgedValues {
  /// d x S to P x S; what cannot be computed is NaN. A value that is so at every draw is passed over.
  std::function<Matrix(ConstMat theta)> compute;
  std::vector<Index> coordinate = {};                 ///< see MomentOptions::coordinate; may be empty
  std::function<std::string(Index value)> name = {};  ///< for reasons; empty: "value 1", ...
};

/// What the standard errors of posterior moments may be, in sds of the posterior.
struct StandardErrorLimits {
  double mean = 0.0, sd = 0.0;
};
/// Limits at which errors of 0.1 sd in a mean, 5 % in a sd, of any of P values have probability below 0.005:
/// 0.1 and 0.05 over the quantile of Student's t with groups - 1 degrees of freedom (0: of the normal) at 1 -
/// 0.005 / (2 P).
StandardErrorLimits standard_error_limits(Index values, Index groups);

/// Whether a sample's moments can be trusted, and why not.
struct Certificate {
  bool holds = false;
  std::string reason;                   ///< all that was checked, with numbers, or what failed first
  std::string plain;                    ///< what failed first, without numbers; empty where it holds
  Moments moments;                      ///< of the judged values; empty where not one draw can be used
  double khat = 0.0, khat_limit = 0.0;  ///< of the weights; 0 for chains
  /// Of the weights; of chains N over the largest variance inflation, by the spread of superchains.
  double ess = 0.0;
  double rhat = 0.0, rhat_limit = 0.0;  ///< chains only
  double lag_correlation = 0.0;         ///< chains only; see Mixing
  double shortfall = 0.0;  ///< largest (standard error / its limit)^2; what more draws would mend
};

/// Judges importance sampling. All of these must hold: at most 0.001 of the weight on draws with something
/// not finite; k-hat within khat_threshold(); 100 effective draws; the Stein check; for every value that
/// varies tails of at most 0.7 (weighted) and, allowing for its standard error, 0.6 (resampled); and
/// standard_error_limits() for as many values as vary. Weights without a variance make errors look smaller
/// than they are, and a value without a fourth moment that of its sd: by how much k-hat, less its standard
/// error, passes 0.5 the limits are divided, by 2 at 0.7. k-hat alone is not honest: it passes samples that
/// are off by half a sd. Of a symmetric density the images of all draws are judged, and distances for tails
/// are from the nearest mode where there are several.
///
/// The moments are those of the Pareto smoothed weights. Without options.control_variates they have the usual
/// ones (see MomentOptions) up to 45 dimensions; above, where polynomials cost more than they save, "own",
/// and the usual ones up to 60 dimensions if the limits are passed by and there are four draws for each.
Certificate certify(const WeightedPool& pool, const Affine& whitening, const JudgedValues& values,
                    const MomentOptions& options = {});

/// Judges Markov chains: nested R-hat of every value below nested_rhat_limit(); then as above, with errors
/// from the spread of superchains, from 32 iterations on of chains, from 256 on of runs of 128 and more, and
/// tails, over all draws, of at most 0.6; and no `divergences` in
/// sampling: one says that the chains missed a part of the posterior.
Certificate certify(const ChainDraws& draws, Index divergences, const Affine& whitening,
                    const JudgedValues& values, const MomentOptions& options = {});

/// Enough when certify() holds, in the pool's whitening or the chains' last metric. What a rule cannot see,
/// divergences, is for certify() at the end: more draws would not undo them.
PoolRule pool_rule(const JudgedValues& values);
ChainRule chain_rule(const JudgedValues& values);

/// Whether two estimates of the same moments, from a pool and from chains, agree: every mean and sd within
/// `errors` (5, say) joint standard errors, to which 0.004 sd are added. Empty if so, else what disagrees
/// most.
std::string disagreement(const Moments& pool, const Moments& chains, double errors,
                         const JudgedValues& values);

}  // namespace vfe
