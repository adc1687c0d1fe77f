#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/model/model.hpp"
#include "vfe/run/run_directory.hpp"
#include "vfe/statistics/moments.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// What a C++ program says of a fit. Fields are named as the keys of a configuration; `vfe schema` says more.
struct FitOptions {
  std::uint64_t seed = 1;
  std::string family = "auto";
  Index draws = 4000;
  int threads = 1;        ///< of each rank
  double max_time = 0.0;  ///< [s], after which the fit stops; 0 = none
  /// Of the run: log, trace, checkpoints, result.h5. Empty: no files.
  std::filesystem::path directory = {};
  Existing existing = Existing::refuse;  ///< what to do with a run that is there already
  bool quiet = true;                     ///< no progress on stderr; warnings are printed all the same
};

/// What a fit came to, the same on every rank.
struct Fit {
  Verdict verdict;
  bool stopped = false;            ///< by a signal or max_time: there are no draws; a folder has a checkpoint
  std::vector<std::string> names;  ///< of the values: "mu", "beta[2]"
  Matrix draws;                    ///< values x draws
  /// Of the values that are no simulations, the first ones, with standard errors; those of a family by name
  /// are of its draws.
  Moments moments;
};

/// [collective] Fits a model. Each rank holds of it what model.spread() says. Throws what the parts throw:
/// Fault::numeric when a stage cannot go on, the last good state then being in a checkpoint, where there is a
/// folder. A run that is resumed must be of a model with the same parameters; that is all that is checked.
///
///     const Fit found = fit(comm, *model, {.seed = 1});
///     if (trusted(found.verdict.grade)) ...found.moments.mean...
Fit fit(const Communicator& comm, const Model& model, const FitOptions& options = {});

/// How the program runs a configuration.
struct RunOptions {
  Existing existing = Existing::refuse;
  bool quiet = false;
  /// [collective] Called between taking the folder and loading data and model: what makes a file that the
  /// model is loaded from.
  std::function<void()> before_loading = {};
};

/// The same on every rank.
struct RunOutcome {
  bool found_finished = false;  ///< the run to be resumed was finished already: verdict and hashes alone
  Fit fit;
  std::uint64_t lambda_hash = 0, draws_hash = 0;
};

/// [collective] A whole fit: data, model, program of stages, checkpoints, draws, verdict, result file. The
/// old files of the folder are touched only once data and model are sound. Throws as fit(), and
/// Fault::config when resumed with another configuration, Fault::checkpoint with another model or other data,
/// each naming the difference.
RunOutcome run_fit(const Communicator& comm, const Config& config, const RunOptions& options);

/// [collective] The same of a model of the caller's. Of the configuration, [model] and [data] do not matter.
RunOutcome run_fit(const Communicator& comm, const Model& model, const Config& config,
                   const RunOptions& options = {});

}  // namespace vfe
