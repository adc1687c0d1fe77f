#pragma once
#include "vfe/core/parameters.hpp"

/// The transform of one piece of a parameter: one scalar (identity, positive, bounded), one vector (simplex
/// of K from K - 1, ordered of K), or one row-major K x K factor (correlation_cholesky, from K (K - 1) / 2,
/// row by row). Contracts as those of Parameters.
namespace vfe::transform {

double constrain(const Parameter& parameter, ConstVec theta, Vec value);
void pull_back(const Parameter& parameter, ConstVec theta, ConstVec grad_value, Vec grad_theta);
void unconstrain(const Parameter& parameter, ConstVec value, Vec theta);
/// Takes numbers that are uniform on (0, 1) to theta; see Parameters::draw_over_domain().
void spread(const Parameter& parameter, double radius, Vec numbers);

}  // namespace vfe::transform
