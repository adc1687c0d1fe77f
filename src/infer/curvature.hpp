#pragma once
#include <cstdint>

#include "vfe/target/target.hpp"

namespace vfe {

/// The Hessian of -log f along axes, by central differences of gradients.
struct Curvature {
  Matrix hessian;        ///< axes' H axes, symmetric
  Index non_finite = 0;  ///< axes with an end where log f is not finite: their entries are those of identity
};

/// [collective] axes (d x n) are stepped along by `step` times their length; 2 n gradients, at most 512 a
/// call.
Curvature curvature(const Target& target, const Minibatch& batch, ConstVec x, ConstMat axes, double step);

/// [collective] The diagonal of D H D for a diagonal scaling D: exact differences along the coordinates (2 d
/// gradients), or `probes` random signs (Bekas, Kokiopoulou and Saad 2007). Entries may come out
/// non-positive or not finite.
Vector curvature_diagonal(const Target& target, const Minibatch& batch, ConstVec x, ConstVec scaling,
                          double step);
Vector curvature_diagonal(const Target& target, const Minibatch& batch, ConstVec x, ConstVec scaling,
                          double step, Index probes, std::uint64_t seed);

}  // namespace vfe
