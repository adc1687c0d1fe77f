#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// When to stop halving the rate (Welandawe, Andersen, Vehtari and Huggins 2022, section 5): from the
/// symmetrised Kullback-Leibler divergences between the averages at successive rates it predicts how much
/// nearer to the optimum another halving would come, and at what cost.
struct RateRule {
  static constexpr double factor = 0.5;          ///< rho: of the rate
  static constexpr double small_steps = 1000.0;  ///< K_0: what costs next to nothing
  static constexpr double inefficient = 1.0;     ///< tau
  double accuracy = 0.1;  ///< xi: of the square root of the divergence from the optimum [nats^1/2]
  bool settles = true;    ///< Optimizer::settles: the distance goes like the rate itself (kappa = 1)

  /// `history` is 3 x T: rate, divergence between the averages at this and at the rate before [nats], steps
  /// taken at it. Returns the inefficiency of another halving (stop above `inefficient`); 0 with fewer than
  /// two rates, from which nothing can be predicted.
  double inefficiency(ConstMat history) const;
};

}  // namespace vfe
