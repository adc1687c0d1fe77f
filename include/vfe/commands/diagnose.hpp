#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "vfe/run/trace.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// Moments and quantiles of one entry of a posterior variable.
struct Coefficient {
  std::string name;                                    ///< "beta[age]"
  double mean = 0.0, sd = 0.0, low = 0.0, high = 0.0;  ///< low, high: 5 and 95 % quantiles
  /// Standard errors of these; NaN where the file has none, and the numbers are those of its draws.
  double mean_error = std::numeric_limits<double>::quiet_NaN();
  double sd_error = std::numeric_limits<double>::quiet_NaN();
  double low_error = std::numeric_limits<double>::quiet_NaN();
  double high_error = std::numeric_limits<double>::quiet_NaN();
};

/// What a finished fit says of itself.
struct Diagnosis {
  Verdict verdict;
  std::string lambda_hash, draws_hash;
  double seconds = 0.0;
  std::int64_t gradients = 0, gradients_sequential = 0, non_finite = 0;
  std::vector<StageCost> stages;          ///< in the order in which they ran
  std::vector<Coefficient> coefficients;  ///< on the user's scale where there is one
};

/// `run` is a run's folder or its result file. Throws as read_saved_fit().
Diagnosis diagnose(const std::filesystem::path& run);

}  // namespace vfe
