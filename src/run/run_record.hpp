#pragma once
#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "run/fit_log.hpp"
#include "run/progress.hpp"
#include "vfe/config/config.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/run/run_directory.hpp"
#include "vfe/run/trace.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {

/// What rank 0 shows and writes of a run: progress, and in the run's folder, where it has one, log, trace,
/// checkpoints and result. On rank 0 alone: what it throws is the caller's to share.
class RunRecord {
  using Clock = std::chrono::steady_clock;

 public:
  /// Takes the folder, if the configuration names one; see RunDirectory.
  RunRecord(const Config& config, Existing existing, bool quiet, int num_ranks);

  /// Of an earlier run in the folder: its result, its newest checkpoint.
  std::optional<std::filesystem::path> finished() const;
  std::optional<Checkpoint> newest_checkpoint();
  /// Opens the files; `seconds_before` is what earlier processes spent.
  void open(const Problem& problem, const State& state, bool resumed, double seconds_before);

  void note(const std::string& line);
  void warn(const std::string& line);
  void say(const std::string& line) { progress_.line(line); }
  /// Seconds of this process' run.
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  /// A step, which took so long; writes a checkpoint where one is due or asked for.
  void add(const Problem& problem, const State& state, const Record& record, double step_seconds,
           bool checkpoint_asked);
  /// The checkpoint of this moment, and the trace up to it; nothing without a folder.
  void save(const Problem& problem, const State& state);
  /// The result, with what it says of the run that made it; nothing without a folder.
  void finish(const Problem& problem, const State& state, ResultFile& file);

 private:
  double seconds() const { return seconds_before_ + elapsed(); }
  void describe(const Problem& problem, const State& state, ResultFile& file);

  const Config& config_;
  const Existing existing_;
  const int num_ranks_;
  const Clock::time_point begin_ = Clock::now();
  double seconds_before_ = 0.0, last_checkpoint_ = 0.0;
  std::vector<std::string> warnings_;
  std::optional<RunDirectory> directory_;
  std::optional<FitLog> log_;
  std::optional<Trace> trace_;
  Progress progress_;
};

/// The calls of a target that a checkpoint has counted.
Calls calls_of(const std::map<std::string, double>& counters);

}  // namespace vfe
