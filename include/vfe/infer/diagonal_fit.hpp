#pragma once
#include <vector>

#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct DiagonalFitOptions {
  Index draws = 64;                                          ///< antithetic, fixed
  std::vector<double> scales = {1.0, 0.5, 0.25, 0.1, 0.03};  ///< of the starts, in sds of a basis
  Index history = 20;
  Index max_iterations = 60;
  double tolerance = 1e-3;  ///< on the Newton decrement [nats]
  std::uint64_t seed = 1;
};

/// Stage "diagonal_fit": a normal q that is diagonal in one of two bases, fitted by the free energy at fixed
/// draws: the axes of the base that polish left (right for regressions and Gaussian processes) and the
/// parameters' own (right for hierarchical models, whose joint mode is far from where their mass is). Starts
/// are ranked by their free energy: of each scale, at the base and, with the parameters' own axes and sd 1,
/// at its centre and at zero. Then L-BFGS goes from the best of either basis, and the lower end wins; only
/// from the better one if the other is more than 50 + d nats behind. A diagonal base is the parameters' own
/// basis: one fit.
///
/// Needs what "polish" left. Sets State::lambda, of full_rank or mean_field (see normal_map()), and leaves
/// left::converged. Throws Fault::numeric where every start has a draw without a
/// finite density. Costs a value for every draw and start, and mostly 10 to 40 gradients a draw.
std::unique_ptr<Stage> diagonal_fit(const Target& target, const DiagonalFitOptions& options);

}  // namespace vfe
