#pragma once
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct ModesOptions {
  Minibatch batch;  ///< the blocks the search sees: all, or the pilot of a stochastic fit
  Index starts = 8;
  double radius = 2.0;  ///< starts are uniform on (-radius, radius) in every coordinate
  Index history = 10;
  Index max_iterations = 200;
  double tolerance = 1e-5;  ///< on the Newton decrement
  std::uint64_t seed = 1;
};

/// Stage "modes": L-BFGS from several starts in lockstep, one batched call a step. A start that is not finite
/// is redrawn, up to 100 times. Leaves "modes" (d x K, best first), "modes_value" (1 x K, log f), and
/// "modes_inverse_hessian" (d x d K: L-BFGS's estimates, symmetric) in the memory.
std::unique_ptr<Stage> modes(const Target& target, const ModesOptions& options);

}  // namespace vfe
