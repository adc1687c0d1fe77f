#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Weights with sum 1. Throws Fault::numeric if all are 0 or one is not a number; `what` names the work.
Vector normalised_weights(ConstVec log_weight, const char* what);

/// 1 / sum w^2 of normalised weights.
inline double effective_size(ConstVec weight) {
  return 1.0 / weight.squaredNorm();
}

}  // namespace vfe
