#pragma once
#include <cstdint>

#include "vfe/core/state.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/family/family.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// Lower triangular L, positive diagonal, with L L' = A A', without squaring A's condition.
Matrix lower_factor(ConstMat axes);

/// That at x, where -log f is `f` and its curvature along each of `axes` (d x d) 1, and 0 between them. Its
/// map is lower triangular; if `diagonal`, the sds of the coordinates given all others, but the log evidence
/// that of the dense one.
Laplace laplace_at(ConstVec x, double f, ConstMat axes, bool diagonal);

/// Distance from x to the nearest of `points` (d x n), in sds of the base.
double nearest(const Affine& base, ConstVec x, ConstMat points);

/// [collective] For a density without a proper mode: the best by free energy, at 64 draws, of `laplace` and
/// three wide normals (sd 0.5 around uniforms on (-1, 1)). Stays `laplace` where all have draws outside the
/// support.
Affine wide_start(const Target& target, const Minibatch& batch, const Laplace& laplace, std::uint64_t seed);

/// Leaves the base, as the one mode found.
void set_base(State& state, const Laplace& base);

/// Adds a proper mode to those found. One of a log weight below -9, relative to the base, is left out.
void add_found_mode(State& state, const Laplace& mode);

/// lambda in the coordinates of the base where a fit starts: at the modes found, sds `scale` times theirs.
Vector start_at_modes(const Family& family, const State& state, double scale);

}  // namespace vfe
