#pragma once
#include "vfe/core/parameters.hpp"

namespace vfe {

/// Sets the constrained values of draws (num_constrained x S, a column each) and adds their log Jacobians
/// [nats].
void constrain_draws(const Parameters& parameters, ConstMat theta, Mat values, Vec log_jacobian);

/// Adds the gradient in theta of a prior, log Jacobian included, given its gradient in the values.
void pull_back_prior(const Parameters& parameters, ConstMat theta, ConstMat grad_values, Mat grad_theta);

/// The same of a likelihood, in which the Jacobian has no part.
void pull_back_likelihood(const Parameters& parameters, ConstMat theta, ConstMat grad_values, Mat grad_theta);

}  // namespace vfe
