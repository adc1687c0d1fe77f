#pragma once
#include "vfe/comm/communicator.hpp"
#include "vfe/run/config.hpp"
#include "vfe/run/run_directory.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

struct FitOptions {
  Existing existing = Existing::refuse;
  bool quiet = false;
};

struct FitOutcome {
  bool stopped = false;  ///< by a signal or the clock; a checkpoint was written
  Verdict verdict;
  std::uint64_t lambda_hash = 0, draws_hash = 0;
};

/// [collective] A whole fit: data, model, program of stages, checkpoints, draws, verdict, result file.
FitOutcome fit(const Communicator& comm, const Config& config, const FitOptions& options);

}  // namespace vfe
