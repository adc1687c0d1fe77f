#pragma once
#include <cstdint>

#include "vfe/core/state.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// A Laplace approximation as a candidate for the base of later stages.
struct Laplace {
  Affine map;
  double log_evidence = 0.0;  ///< [nats]
  bool definite = false;      ///< the Hessian was positive definite and the mode converged
};

/// [collective] For a density without a proper mode: the best by free energy, at 64 draws, of `laplace` and
/// three wide normals (sd 0.5 around uniforms on (-1, 1)). Stays `laplace` where all have draws outside the
/// support.
Affine wide_start(const Target& target, const Minibatch& batch, const Laplace& laplace, std::uint64_t seed);

/// Writes the base into the memory.
void set_base(State& state, const Laplace& base, double share);

}  // namespace vfe
