// A posterior whose answer is known otherwise than from a fit, and how far a fit is from it.
#pragma once
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vfe/commands/diagnose.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/model.hpp"
#include "vfe/run/fit.hpp"

namespace vfe {

struct ExactTarget {
  std::string name;
  std::shared_ptr<const Model> model;
  Vector mean, sd;              ///< of the parameters; both empty: not known
  std::optional<double> log_z;  ///< [nats]
  double log_z_error = 1e-6;    ///< of the known one [nats]
  bool has_answer = true;       ///< false: there is no posterior, so that trust is wrong whatever the numbers
};

/// What a fit of a target came to. What is not known, or not found, is infinite or NaN.
struct Accuracy {
  static constexpr double mean_limit = 0.1, sd_limit = 0.05;

  Grade grade = Grade::rejected;
  std::string reason;                          ///< of the verdict, or the error's line
  bool failed = false;                         ///< with a numeric error, which counts as a rejection
  bool known = false;                          ///< whether there was anything to compare with
  double mean_error = 0.0;                     ///< largest |mean - exact| / exact sd
  double sd_low = 1.0, sd_high = 1.0;          ///< smallest and largest sd / exact sd
  double log_z_error = std::nan("");           ///< found - exact [nats]
  double log_z_standard_error = std::nan("");  ///< the fit's own, and that of the exact one, joined [nats]
  Diagnosis diagnosis;

  bool right() const {
    return known && mean_error < mean_limit && sd_low >= 1.0 - sd_limit && sd_high <= 1.0 + sd_limit;
  }
  bool wrong() const { return trusted(grade) && known && !right(); }
};

/// Compares a finished run with the answer.
inline Accuracy accuracy(const ExactTarget& target, const std::filesystem::path& run) {
  Accuracy found;
  found.diagnosis = diagnose(run);
  found.grade = found.diagnosis.verdict.grade;
  found.reason = found.diagnosis.verdict.reason;
  found.known = target.mean.size() > 0 || !target.has_answer;
  if (!target.has_answer) found.mean_error = std::numeric_limits<double>::infinity();
  for (Index i = 0; i < target.mean.size(); ++i) {
    const Coefficient& x = found.diagnosis.coefficients[static_cast<std::size_t>(i)];
    const double error = std::abs(x.mean - target.mean[i]) / target.sd[i], ratio = x.sd / target.sd[i];
    // A NaN is infinitely wrong.
    found.mean_error =
        std::max(found.mean_error, std::isnan(error) ? std::numeric_limits<double>::infinity() : error);
    found.sd_low = std::min(found.sd_low, std::isnan(ratio) ? 0.0 : ratio);
    found.sd_high = std::max(found.sd_high, ratio);
  }
  if (target.log_z) {
    found.log_z_error = found.diagnosis.verdict.log_evidence - *target.log_z;
    found.log_z_standard_error = std::hypot(found.diagnosis.verdict.log_evidence_error, target.log_z_error);
  }
  return found;
}

/// Fits the target as `config` says and compares. A fit that ends with a numeric error is a rejection; other
/// errors are thrown, and Fault::stopped if it was stopped.
inline Accuracy fit_exact_target(const ExactTarget& target, const Config& config) {
  try {
    const RunOutcome outcome = run_fit(Communicator::self(), *target.model, config,
                                       {.existing = Existing::overwrite, .quiet = true});
    if (outcome.fit.stopped) throw Error(Fault::stopped, "fitting " + target.name + ": stopped");
  } catch (const Error& error) {
    if (error.fault() != Fault::numeric) throw;
    Accuracy found;
    found.reason = error.what();
    found.failed = true;
    return found;
  }
  return accuracy(target, config.output.directory);
}

}  // namespace vfe
