#include "run/run_record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "run/build.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {

namespace {

// Counted as doubles in a checkpoint: exact up to 2^53.
void put_calls(const Calls& calls, std::map<std::string, double>& counters) {
  counters["gradients"] = static_cast<double>(calls.gradients);
  counters["values"] = static_cast<double>(calls.values);
  counters["non_finite"] = static_cast<double>(calls.non_finite);
  counters["calls"] = static_cast<double>(calls.count);
}

}  // namespace

Calls calls_of(const std::map<std::string, double>& counters) {
  const auto count = [&](const std::string& name) {
    const auto found = counters.find(name);
    return found == counters.end() ? std::uint64_t{0} : static_cast<std::uint64_t>(found->second);
  };
  return {.count = count("calls"),
          .gradients = count("gradients"),
          .values = count("values"),
          .non_finite = count("non_finite")};
}

RunRecord::RunRecord(const Config& config, Existing existing, bool quiet, int num_ranks)
    : config_(config), existing_(existing), num_ranks_(num_ranks), progress_(quiet) {
  if (!config.output.directory.empty()) directory_.emplace(config.output.directory, existing);
}

std::optional<std::filesystem::path> RunRecord::finished() const {
  if (!directory_ || !std::filesystem::exists(directory_->result())) return std::nullopt;
  return directory_->result();
}

std::optional<Checkpoint> RunRecord::newest_checkpoint() {
  if (!directory_) return std::nullopt;
  return read_checkpoint(directory_->path(), warnings_);
}

void RunRecord::open(const Problem& problem, const State& state, bool resumed, double seconds_before) {
  seconds_before_ = seconds_before;
  last_checkpoint_ = elapsed();
  if (!directory_) return;
  if (existing_ == Existing::overwrite) directory_->clear();
  log_.emplace(directory_->log());
  for (const std::string& line : warnings_) warn(line);
  write_file(directory_->config(), to_toml(config_));
  trace_.emplace(directory_->trace(), state.step);
  note(fmt::format("vfe {}, {}, {}: {}, {} each", VFE_VERSION, build_description(), instruction_set(),
                   counted(num_ranks_, "rank"), counted(config_.fit.threads, "thread")));
  for (const std::string& line : problem.notes()) warn(line);
  note(fmt::format("{}; {}; {}", problem.description(), counted(problem.target().size(), "parameter"),
                   resumed ? fmt::format("resumed at step {}", state.step) : "started"));
}

void RunRecord::note(const std::string& line) {
  if (log_) log_->info(line);
}

void RunRecord::warn(const std::string& line) {
  if (log_) log_->warn(line);
  progress_.line("warning: " + line);
}

void RunRecord::add(const Problem& problem, const State& state, const Record& record, double step_seconds,
                    bool checkpoint_asked) {
  const double rows_per_second =
      static_cast<double>(record.rows) * static_cast<double>(record.draws) / std::max(step_seconds, 1e-9);
  progress_.step(state.step, record, elapsed(), rows_per_second);
  if (!directory_) return;
  const Calls& calls = problem.target().calls();
  trace_->add(state.step, record, {seconds(), calls.gradients, calls.count}, rows_per_second);
  if (!record.note.empty()) note(fmt::format("{}, step {}: {}", record.stage, state.step, record.note));
  const Config::Output& output = config_.output;
  const bool due = output.checkpoint_steps > 0
                       ? state.step % static_cast<std::uint64_t>(output.checkpoint_steps) == 0
                       : elapsed() - last_checkpoint_ >= output.checkpoint_seconds;
  if (due || checkpoint_asked) save(problem, state);
}

void RunRecord::save(const Problem& problem, const State& state) {
  if (!directory_) return;
  trace_->flush();
  Checkpoint checkpoint;
  checkpoint.state = state;
  checkpoint.config = to_toml(config_);
  checkpoint.model = problem.model_hash();
  checkpoint.data = problem.data_hash();
  put_calls(problem.target().calls(), checkpoint.counters);
  checkpoint.counters["seconds"] = seconds();
  write_checkpoint(directory_->path(), checkpoint);
  last_checkpoint_ = elapsed();
  note(fmt::format("checkpoint at step {}", state.step));
}

void RunRecord::finish(const Problem& problem, const State& state, ResultFile& file) {
  if (!directory_) return;
  describe(problem, state, file);
  write_result(directory_->result(), file);
}

void RunRecord::describe(const Problem& problem, const State& state, ResultFile& file) {
  const Calls& calls = problem.target().calls();
  auto& attributes = file.attributes;
  attributes["gradients"] = static_cast<std::int64_t>(calls.gradients);
  attributes["values"] = static_cast<std::int64_t>(calls.values);
  attributes["gradients_sequential"] = static_cast<std::int64_t>(calls.count);
  attributes["non_finite"] = static_cast<std::int64_t>(calls.non_finite);
  attributes["steps"] = static_cast<std::int64_t>(state.step);
  attributes["seconds"] = seconds();
  attributes["seed"] = static_cast<std::int64_t>(config_.fit.seed);
  attributes["ranks"] = std::int64_t{num_ranks_};
  attributes["threads"] = std::int64_t{config_.fit.threads};
  attributes["version"] = std::string(VFE_VERSION);
  attributes["build"] = build_description();
  attributes["instruction_set"] = instruction_set();
  attributes["data_hash"] = hexadecimal(problem.data_hash());
  attributes["model_hash"] = hexadecimal(problem.model_hash());
  file.texts["config"] = to_toml(config_);
  if (problem.table()) file.texts["table"] = to_json(*problem.table());
  if (problem.design()) file.texts["design"] = to_json(*problem.design());
  trace_->flush();
  file.texts["stages"] = to_json(read_stage_costs(directory_->trace()));
  for (auto& [name, column] : read_trace(directory_->trace())) {
    file.arrays["trace/" + name] = std::move(column);
  }
}

}  // namespace vfe
