#pragma once
#include <functional>
#include <limits>
#include <string>

#include "vfe/core/objection.hpp"
#include "vfe/core/types.hpp"
#include "vfe/statistics/draws.hpp"

namespace vfe {

/// How far a finished fit can be trusted.
enum class Grade {
  certified,    ///< q itself may be used
  corrected,    ///< the importance-resampled draws may be used, q not
  approximate,  ///< a mean field whose sds linear response has corrected: nothing vouches for it
  rejected,     ///< neither q nor its draws
};
std::string to_string(Grade grade);
Grade grade_from_string(const std::string& name);  ///< throws Fault::data
/// Whether the draws that were written may be used: certified or corrected.
bool trusted(Grade grade);

/// What draws of a finished q say of it.
struct QUnderTest : Draws {
  Vector mean, sd;           ///< of q, exact
  Matrix values = {};        ///< n x S, what the user sees of the draws: constrained parameters; may be empty
  Objection objection = {};  ///< what forbids trust whatever the weights say; empty if nothing does

  /// Draws at which f was not finite.
  Index non_finite() const { return size() - log_weight.array().isFinite().count(); }
};

struct Verdict {
  Grade grade = Grade::rejected;
  std::string reason;  ///< one plain sentence with the numbers that decided
  std::string plain;   ///< what is wrong, without numbers; empty where the result may be used
  double khat = 0.0, khat_limit = 0.7, ess = 0.0;
  double free_energy = 0.0, free_energy_error = 0.0;    ///< F and its Monte Carlo standard error [nats]
  double log_evidence = 0.0, log_evidence_error = 0.0;  ///< from the weights [nats]
  double mean_error = 0.0;  ///< largest |mean of q - mean of the posterior|, in posterior sds
  double sd_ratio = 1.0;    ///< sd of q over that of the posterior, furthest from 1

  std::string advice;           ///< what to try; empty where there is no need
  std::string evidence_reason;  ///< what the log evidence comes from; or why there is none (it is then NaN)
  /// Mean log weights of q, under q and under the posterior: the log evidence lies between them. NaN where
  /// not known.
  double log_evidence_lower = std::numeric_limits<double>::quiet_NaN();
  double log_evidence_upper = std::numeric_limits<double>::quiet_NaN();
  double mean_standard_error = 0.0;  ///< largest, of the moments in the result, in posterior sds
  double sd_standard_error = 0.0;
  double rhat = std::numeric_limits<double>::quiet_NaN();  ///< largest nested R-hat, where chains sampled
  double rhat_limit = std::numeric_limits<double>::quiet_NaN();
};

/// Certified: no objection, k-hat within its limit, every draw finite, and in every coordinate of theta and
/// every value the mean of q within 0.1 sd and its sd within 5 % of the posterior's, three standard errors
/// included. The posterior's moments are importance estimates with the moments of q as control variates (of
/// theta exact, of values those of the draws), so their errors vanish as q approaches the posterior. A value
/// that is constant or not finite is passed over. Corrected: q's moments fail, but k-hat and the standard
/// errors of those estimates (mean 0.02 sd, sd 1.25 %) say that the weighted draws are right. Neither where
/// the log density is not finite at more than 0.001 of the draws. Where k-hat is above 0.5 the weights have
/// no finite variance and errors look smaller than they are: all four limits are halved. `name` names a
/// coordinate of theta, or from d on a value, in the reason.
Verdict judge(const QUnderTest& tested, const std::function<std::string(Index)>& name);

}  // namespace vfe
