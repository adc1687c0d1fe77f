#pragma once
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/types.hpp"
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

/// The effects of one grouping, on the user's scale.
struct GroupingDiagnosis {
  std::string name;                        ///< "school"
  bool integrated = false;                 ///< out of the likelihood; else they are parameters
  Index groups = 0, fewest = 0, most = 0;  ///< groups, and rows of one; 0 where the result does not say
  std::vector<Coefficient> components;     ///< standard deviations and correlations
  std::optional<Coefficient> share;        ///< of the variance, of the intercepts
  std::string share_of;                    ///< what it is a share of, or why there is none

  struct Extreme {
    std::string group;
    Index rows = 0;
    double mean = 0.0, sd = 0.0;  ///< of its first effect
  };
  std::string first_effect;       ///< its name
  std::vector<Extreme> extremes;  ///< the ten of largest |mean|, the largest first
};

/// What a finished fit says of itself.
struct Diagnosis {
  Verdict verdict;
  std::string lambda_hash, draws_hash;
  double seconds = 0.0;
  std::int64_t gradients = 0, gradients_sequential = 0, non_finite = 0;
  std::vector<StageCost> stages;          ///< in the order in which they ran
  std::vector<Coefficient> coefficients;  ///< on the user's scale where there is one; not those of groups
  std::vector<GroupingDiagnosis> groupings;
  std::int64_t nodes = 0;  ///< by which effects of groups were integrated; 0: exactly, or there are none
};

/// `run` is a run's folder or its result file. Throws as read_saved_fit().
Diagnosis diagnose(const std::filesystem::path& run);

}  // namespace vfe
