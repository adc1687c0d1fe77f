#pragma once
#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

// Motion of velocities u of length 1 that a force, the gradient of log f, turns but never speeds up:
// u' = (1 - u u^T) force / (n - 1). With the kinetic energy (n - 1) log of what a turn does to lengths it
// keeps exp(log f - kinetic energy) invariant ("microcanonical"; Steeg and Galstyan 2021; Robnik et al. 2023;
// with a Metropolis step at the end of a trajectory: Robnik, Cohn-Gordon and Seljak 2025). Where a density is
// narrow a step turns too far, but does not blow up as in Hamiltonian dynamics.

/// n, of d coordinates: d, but 2 of a single one. In a line a velocity could not turn: it gets a second
/// coordinate, which the density does not depend on.
Index velocity_rows(Index d);

/// n x C, uniform on the sphere, a column from each draw of the address.
void fill_velocities(const Address& at, Mat velocity);

/// Of velocities of length 1, for a trajectory that is as long as one of standard normal momenta.
double speed(Index rows);

using Kinetic = Eigen::Ref<Eigen::RowVectorXd, 0, Eigen::InnerStride<>>;
/// Turns velocities by `force` (d x C) for a time and adds what that changes their energies by [nats].
void turn(ConstMat force, double time, Mat velocity, Kinetic kinetic);

}  // namespace vfe
