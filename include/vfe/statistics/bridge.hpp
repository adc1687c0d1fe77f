#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// The log evidence, with what it lies between.
struct BridgeEstimate {
  double log_evidence = 0.0,
         error = 0.0;  ///< [nats]; standard error of the relative error (Fruehwirth-Schnatter 2004)
  double lower = 0.0;  ///< mean log weight of the draws of q: below log evidence in expectation
  double upper = 0.0;  ///< mean log weight of the draws of the posterior: above it in expectation
  bool converged = false;
};

/// Bridge sampling with the optimal bridge function (Meng and Wong 1996): `of_q` are log weights log f - log
/// q [nats] of independent draws of q (-infinity where f is 0), `of_posterior` those of draws of the
/// posterior, worth `effective` independent ones. q must not have been fitted to those same draws: their mean
/// in place of the posterior's costs about d / (2 effective) nats. Throws Fault::bug where either is empty,
/// or `effective` is not between 1 and their number.
BridgeEstimate bridge(ConstVec of_q, ConstVec of_posterior, double effective);

}  // namespace vfe
