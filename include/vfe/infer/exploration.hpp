#pragma once
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct ExplorationOptions {
  Minibatch batch = {};
  Index draws = 64;  ///< of each of the three proposals
  Index starts = 8;  ///< of searches, at the draws with the largest ratios f / proposal
  /// More searches above 30 dimensions, where these ratios only say which draws are near the base: at draws
  /// of the narrowest proposal, whatever their density.
  Index far_starts = 32;
  Index history = 10;
  Index max_iterations = 200;
  double tolerance = 1e-5;  ///< on the Newton decrement of a search
  std::uint64_t seed = 1;
};

/// Stage "exploration": looks for modes that the first starts missed. Draws from Student t's with five
/// degrees of freedom, 3, 6 and 12 times as wide as the base that polish left, and searches from those with
/// the largest ratio of the density to their mixture. What is proper and more than half a sd of the base away
/// from the modes known joins found_modes() with its Laplace weight; above d = 500, as if it were as wide as
/// the base. The base itself stays. Does nothing where the base is no proper mode. Costs 3 `draws` values
/// and, mostly, 100 to 500 gradients; 2 d more for each new mode (at most three). What none of these draws
/// comes near, it cannot see.
std::unique_ptr<Stage> exploration(const Target& target, const ExplorationOptions& options);

}  // namespace vfe
