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
/// parameters' own (right for hierarchical models, whose joint mode is far from where their mass is). ...
/// Sets State::lambda: of full_rank or mean_field (see normal_map()), leaves "converged".
std::unique_ptr<Stage> diagonal_fit(const Target& target, const DiagonalFitOptions& options);

}  // namespace vfe
