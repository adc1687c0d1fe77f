#pragma once
#include "vfe/family/affine.hpp"

namespace vfe {

constexpr double log_two_pi = 1.8378770664093454836;

/// exp(log_sd), kept within the range of finite numbers: noise that is exactly 0 then gives the mean, not
/// infinity times zero.
Vector finite_exp(ConstVec log_sd);

/// A gradient with infinity where it could not be computed.
Vector without_nan(ConstVec computed);

/// Closes a log density: where value[s] is finite adds column s of `computed` to grad (unless that has no
/// columns); elsewhere sets value[s] to -infinity.
void accept_finite(ConstMat computed, Vec value, Mat grad);

/// Throws Fault::bug, naming the family, unless the map is diagonal and of size d.
void require_diagonal(const Affine& map, Index d, const char* family);

}  // namespace vfe
