#pragma once
#include <functional>
#include <string>

#include "vfe/core/types.hpp"

namespace vfe {

enum class Grade {
  certified,  ///< q itself may be used
  corrected,  ///< the importance-resampled draws may be used, q not
  rejected,   ///< neither
};
std::string to_string(Grade grade);

/// What draws of a finished q say of it.
struct Evidence {
  Vector log_weight;    ///< log f - log q of every draw; -infinity where f is not finite
  Matrix theta;         ///< d x S, unconstrained
  Vector mean, sd;      ///< of q, exact
  Index non_finite = 0;
  bool converged = true;
  std::string not_converged_why;
};

struct Verdict {
  Grade grade = Grade::rejected;
  std::string reason;  ///< one plain sentence with the numbers that decided
  double khat = 0.0, khat_limit = 0.7, ess = 0.0;
  double free_energy = 0.0, free_energy_error = 0.0;    ///< F and its Monte Carlo standard error [nats]
  double log_evidence = 0.0, log_evidence_error = 0.0;  ///< from the weights [nats]
  double worst_mean_error = 0.0;  ///< largest |mean of q - weighted mean| in posterior sds ...
  double worst_sd_ratio = 1.0;    ///< ... and the sd of q over the weighted sd, furthest from 1
  Index worst_mean = 0, worst_sd = 0;  ///< coordinates of theta
};

/// Certified: k-hat within its limit, no non-finite draw, converged, and for every coordinate q's mean within
/// 0.1 sd and its sd within 5 % of the importance-weighted ones, three standard errors included (the
/// differences are estimated with q's exact moments as control variates). Corrected: the weights pass, and the
/// standard errors of the weighted moments are below 0.02 and 0.0125 sd; q's own moments are off.
/// `name(i)` names a coordinate in the reason.
Verdict judge(const Evidence& evidence, const std::function<std::string(Index)>& name);

}  // namespace vfe
