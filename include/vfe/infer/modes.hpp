#pragma once
#include "vfe/infer/lbfgs.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct ModesOptions {
  Minibatch batch = {};  ///< the blocks the search sees: all, or the pilot of a stochastic fit
  Index starts = 0;      ///< 0 = by dimension: 8, above 300 four, above 3,000 two
  double radius = 2.0;   ///< starts are uniform on (-radius, radius) in every coordinate
  Index history = 10;
  Index max_iterations = 200;
  double tolerance = 1e-5;  ///< on the Newton decrement
  std::uint64_t seed = 1;
};

/// Stage "modes": L-BFGS on -log f from several starts in lockstep, one batched call a step; every other
/// start lies anywhere in the domain where that is bounded. One that is not finite is redrawn, up to 100
/// times. Leaves left::searches and left::search_ends. Throws Fault::numeric when no start is finite.
std::unique_ptr<Stage> modes(const Target& target, const ModesOptions& options);

/// A search that "modes" left, by rank.
Lbfgs mode_of(const State& state, Index rank, Index d);

}  // namespace vfe
