#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// What importance weights come to. A log weight of -infinity counts for nothing.
struct Weights {
  Vector normalised;            ///< sum 1; all 0 where none has weight
  double log_mean = 0.0;        ///< [nats], of the weights themselves; -infinity where none has weight
  double log_mean_error = 0.0;  ///< its standard error [nats]
  double ess = 0.0;             ///< effective draws, 1 / sum normalised^2
  double variance = 0.0;        ///< of the log weights, over n - 1; not finite where one of them is not
};
/// Throws Fault::numeric if one is NaN or +infinity; `what` names the work.
Weights weights_of(ConstVec log_weight, const char* what);

/// The normalised ones alone; throws Fault::numeric as well where none has weight.
Vector normalised_weights(ConstVec log_weight, const char* what);

/// 1 / sum w^2 of normalised weights.
inline double effective_size(ConstVec weight) {
  return 1.0 / weight.squaredNorm();
}

/// log of the mean of exp(x) [nats]; -infinity where all are.
double log_mean_exp(ConstVec x);

}  // namespace vfe
