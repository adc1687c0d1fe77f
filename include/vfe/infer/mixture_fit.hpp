#pragma once
#include <cstdint>

#include "vfe/family/proposal.hpp"

namespace vfe {

struct MixtureFitOptions {
  Index components = 3;
  double nu = 5.0;            ///< of every component
  Index max_iterations = 50;  ///< of expectation and maximisation
  double tolerance = 1e-4;    ///< on the gain of the weighted mean log density in one of them [nats]
  std::uint64_t seed = 1;     ///< of the starts
  std::uint32_t step = 0;     ///< of their address (the round of adaptation, say)
};

struct MixtureFit {
  Proposal mixture;          ///< of Student t's; components that came to nothing are left out
  double log_density = 0.0;  ///< weighted mean of log q over the draws [nats]
};

/// Fits a mixture of Student t's to weighted draws of p by maximum likelihood: expectation and maximisation
/// (Peel and McLachlan 2000), started at draws far from one another (Arthur and Vassilvitskii 2007), in the
/// whitened coordinates of `base`. theta is d x n; log_weight, of any normalisation, may be -infinity. Each
/// covariance is shrunk towards 0.3 of that of all draws as if d + 2 effective draws had said so. Makes no
/// call of a target. Throws Fault::numeric if no draw has weight, Fault::bug if the sizes differ.
MixtureFit fit_mixture(ConstMat theta, ConstVec log_weight, const Affine& base,
                       const MixtureFitOptions& options = {});

}  // namespace vfe
