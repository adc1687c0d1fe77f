#pragma once
#include <cstdint>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/run/run_directory.hpp"
#include "vfe/target/target.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

struct FitOptions {
  Existing existing = Existing::refuse;
  bool quiet = false;  ///< no progress lines; warnings are printed all the same
};

/// The same on every rank.
struct FitOutcome {
  bool stopped = false;         ///< by a signal or the clock; a checkpoint was written
  bool found_finished = false;  ///< the run to be resumed was finished already; nothing was done
  Verdict verdict;
  std::uint64_t lambda_hash = 0, draws_hash = 0;
};

/// [collective] A whole fit: data, model, program of stages, checkpoints, draws, verdict, result file. The
/// old files of the folder are touched only once data and model are sound. Throws what the parts throw;
/// Fault::config when resumed with another configuration, Fault::checkpoint with another model or other data,
/// each naming the difference; Fault::numeric when a stage cannot go on, the last good state then being in a
/// checkpoint.
FitOutcome fit(const Communicator& comm, const Config& config, const FitOptions& options);

/// [collective] The same of a model of the caller's. `spread` says what each rank's model holds. Of the
/// configuration, [model] and [data] do not matter; that the model is still the same when a run is resumed is
/// checked by its parameters alone.
FitOutcome fit(const Communicator& comm, const Model& model, Spread spread, const Config& config,
               const FitOptions& options = {});

}  // namespace vfe
