#pragma once
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct PolishOptions {
  Minibatch batch;
  bool diagonal =
      false;  ///< leave a diagonal base (for families that are not dense): sd from the Hessian's diagonal
  double tolerance = 0.01;  ///< on the Newton decrement
  Index max_iterations = 8;
};

/// Stage "polish": finishes the modes with Newton steps on Hessians from central differences of gradients
/// along whitened axes (2 d gradients in one call), keeps distinct ones, and picks the heaviest by Laplace
/// weight. Consumes what "modes" left; leaves "base_shift" (d x 1) and "base_scale" (d x d lower, or d x 1),
/// the Laplace approximation in which later stages are whitened, "base_log_evidence" (1 x 1), and
/// "base_definite" (1 x 1: whether the Hessian was positive definite and the mode converged).
std::unique_ptr<Stage> polish(const Target& target, const PolishOptions& options);

/// The base that polish left.
Affine base_of(const State& state);

}  // namespace vfe
