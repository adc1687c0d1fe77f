#pragma once
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "vfe/infer/stage.hpp"

namespace vfe {

/// What a run, or a stage of it, has cost.
struct Cost {
  double seconds = 0.0;
  std::uint64_t gradients = 0;  ///< draws evaluated with their gradient
  std::uint64_t calls = 0;      ///< of the target: evaluations in sequence
};

/// What a stage of a finished run cost, and the last thing it had to say.
struct StageCost {
  std::string stage;
  Cost cost;
  std::string note;
};

/// The record of every step, one JSON object a line, in trace.jsonl: step, stage, free_energy, std_error,
/// gradient_norm, rate, draws, rows, non_finite, seconds, gradients and calls (since the run began),
/// rows_per_second, and note where there is one. Numbers read back to the same bits; one that is not finite
/// is null. Rank 0 only.
class Trace {
 public:
  /// Opens the file; lines of steps beyond `step` (done after the checkpoint that is resumed) and a torn last
  /// line are cut off.
  Trace(const std::filesystem::path& path, std::uint64_t step);
  void add(std::uint64_t step, const Record& record, const Cost& so_far, double rows_per_second);
  /// Throws Fault::io, as add() may.
  void flush();

 private:
  void check() const;

  std::filesystem::path path_;
  std::ofstream file_;
};

/// The columns of a trace file: step, free_energy, std_error, gradient_norm, rate; each steps x 1, null as
/// NaN. A file that is not there has no steps.
std::map<std::string, Matrix> read_trace(const std::filesystem::path& path);

/// The stages of a trace file in the order in which they ran.
std::vector<StageCost> read_stage_costs(const std::filesystem::path& path);
/// As JSON and back, for result files. Throws Fault::data.
std::string to_json(const std::vector<StageCost>& stages);
std::vector<StageCost> stage_costs_from_json(const std::string& text);

}  // namespace vfe
