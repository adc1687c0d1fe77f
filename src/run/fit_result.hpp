#pragma once
#include <optional>
#include <string>

#include "vfe/config/config.hpp"
#include "vfe/core/state.hpp"
#include "vfe/family/family.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/statistics/moments.hpp"
#include "vfe/store/result.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// What draws of the finished q came to.
struct FitResult {
  Verdict verdict;
  Matrix draws;                  ///< of the quantities, a column each
  Moments moments;               ///< of the judged ones
  std::uint64_t draws_hash = 0;  ///< of the values of the posterior group
  std::string non_finite;        ///< names the first draw without a finite density; empty if there is none
  ResultFile file;               ///< draws, statistics, verdict; complete on rank 0 only
};

/// [collective] Draws from q, weighs the draws by the target, judges them, and gathers what the result file
/// holds of them. Empty if the ranks were asked to stop meanwhile.
std::optional<FitResult> make_result(const Communicator& comm, const Config& config, const Problem& problem,
                                     const Family& family, const State& state);

}  // namespace vfe
