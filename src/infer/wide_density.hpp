#pragma once
#include <cstdint>

#include "vfe/core/state.hpp"
#include "vfe/family/student.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// A Student t as wide as starts of searches over the whole domain and, on top of it, as the modes found are
/// on average, stretched until it has each of them within two sds.
Student wide_density(const Target& target, const State& state, std::uint64_t seed);

/// log density [nats] of d x S points; sets its gradient, d x S. The base is dense.
Vector log_density(const Student& student, ConstMat theta, Matrix& gradient);

/// Length of the shortest path of normals from the wide density to the base (Rao 1945, means aside): a step
/// of length x leaves exp(-x^2) of weighted draws effective.
double path_length(const Student& wide, const Affine& base);

/// Curvature (d x d) of the density at an inverse temperature, by the Laplace approximations of the modes
/// found.
Matrix laplace_curvature(const State& state, const Student& wide, double temperature);

}  // namespace vfe
