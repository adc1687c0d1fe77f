#pragma once
#include "vfe/family/affine.hpp"
#include "vfe/family/proposal.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct PolishOptions {
  Minibatch batch = {};
  bool diagonal =
      false;  ///< leave a diagonal base (for families that are not dense): sd from the Hessian's diagonal
  double tolerance = 0.01;  ///< on half the squared Newton decrement [nats]
  Index max_iterations = 8;
  std::uint64_t seed = 1;  ///< of the wide starts tried where there is no proper mode
};

/// Stage "polish": finishes the modes with Newton steps on Hessians from central differences of gradients
/// along whitened axes (2 d gradients), keeps distinct ones, and picks the heaviest by Laplace weight. Above
/// d = 500 a diagonal base is made without dense Hessians: the best search as it is, the diagonal from
/// differences along the coordinates or, above d = 2,000, from 16 random probes (Bekas et al. 2007).
///
/// Consumes left::searches; leaves left::base and left::found_modes. Where the mode was not proper (an
/// unbounded density, an edge of the support) the base is the best by free energy of the Laplace one and
/// three wide normals.
std::unique_ptr<Stage> polish(const Target& target, const PolishOptions& options);

}  // namespace vfe
