#include "vfe/run/fit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <exception>
#include <optional>
#include <utility>

#include "run/build.hpp"
#include "run/fit_log.hpp"
#include "run/fit_result.hpp"
#include "run/progress.hpp"
#include "vfe/comm/request.hpp"
#include "vfe/core/error.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/program/inference_program.hpp"
#include "vfe/run/saved_fit.hpp"
#include "vfe/run/trace.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {
namespace {

constexpr double max_log_likelihood_bytes = 2e9;

/// Counted as doubles in a checkpoint: exact up to 2^53.
void put_counts(const Target::Counts& counts, std::map<std::string, double>& counters) {
  counters["gradients"] = static_cast<double>(counts.gradients);
  counters["values"] = static_cast<double>(counts.values);
  counters["non_finite"] = static_cast<double>(counts.non_finite);
  counters["calls"] = static_cast<double>(counts.calls);
}

Target::Counts counts_of(const std::map<std::string, double>& counters) {
  const auto count = [&](const std::string& name) {
    const auto found = counters.find(name);
    return found == counters.end() ? std::uint64_t{0} : static_cast<std::uint64_t>(found->second);
  };
  return {count("gradients"), count("values"), count("non_finite"), count("calls")};
}

/// One run of the driver. What only rank 0 has (folder, trace, log, progress) is made and used on rank 0.
class FitRun {
 public:
  using MakeProblem = std::function<std::unique_ptr<Problem>()>;
  FitRun(const Communicator& comm, const Config& config, const FitOptions& options, MakeProblem make_problem)
      : comm_(comm),
        config_(config),
        options_(options),
        make_problem_(std::move(make_problem)),
        progress_(options.quiet || !comm.is_root()) {}

  FitOutcome run() {
    clear_request(true);  // an earlier fit of this process may have been asked to stop
    comm_.on_root("preparing the run folder",
                  [&] { directory_.emplace(config_.output.directory, options_.existing); });
    if (const std::optional<FitOutcome> finished = find_finished()) return *finished;
    comm_.barrier();  // all have looked before the folder changes
    problem_ = make_problem_();
    check_log_likelihood_size();
    family_ = make_family(config_, problem_->target().size());
    const Program program = inference_program(config_, *problem_, *family_);
    start(program);
    if (!advance_to_the_end(program)) return stopped();
    save();
    return finish();
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Of this process' run.
  double elapsed() const { return std::chrono::duration<double>(Clock::now() - begin_).count(); }
  /// Of the whole run, resumptions included.
  double seconds() const { return seconds_before_ + elapsed(); }

  void note(const std::string& line) {
    if (log_) log_->info(line);
  }
  void warn(const std::string& line) {
    if (log_) log_->warn(line);
    progress_.line("warning: " + line);
  }

  void refuse_differences(const std::string& config_before) const {
    const std::vector<std::string> found = differences(parse_config(config_before, "its config"), config_);
    if (!found.empty()) {
      throw Error(Fault::config, fmt::format("{} was begun with another configuration: {}",
                                             config_.output.directory, fmt::join(found, "; ")));
    }
  }

  /// [collective] The outcome of a resumed run that needs nothing more.
  std::optional<FitOutcome> find_finished() const {
    if (options_.existing != Existing::resume) return std::nullopt;
    std::string found;
    comm_.on_root("looking for a finished run", [&] {
      if (std::filesystem::exists(directory_->result())) found = directory_->result().string();
    });
    found = comm_.broadcast(found);
    if (found.empty()) return std::nullopt;
    std::optional<FitOutcome> outcome;
    comm_.collectively("reading the finished run", [&] {
      const SavedFit saved = read_saved_fit(found, WithDraws::no);
      refuse_differences(saved.file.texts.at("config"));
      // Other draws, or row-wise likelihoods, are made anew from the last checkpoint.
      if (saved.config.output.draws != config_.output.draws ||
          saved.config.output.log_likelihood != config_.output.log_likelihood) {
        return;
      }
      outcome = FitOutcome{.stopped = false,
                           .found_finished = true,
                           .verdict = saved.verdict,
                           .lambda_hash = hash_of(saved.file.attributes, "lambda_hash"),
                           .draws_hash = hash_of(saved.file.attributes, "draws_hash")};
    });
    return outcome;
  }

  void check_log_likelihood_size() const {
    const double bytes = log_likelihood_bytes(config_, problem_->target());
    if (config_.output.log_likelihood && bytes > max_log_likelihood_bytes) {
      throw Error(
          Fault::config,
          fmt::format("output.log_likelihood: {} draws of {} rows take {:.1f} GB, expected at most 2 GB: "
                      "set it to false, or lower output.draws",
                      config_.output.draws, problem_->target().num_rows(), bytes / 1e9));
    }
  }

  /// [collective] Sets the state: that of the newest checkpoint or the first. Opens the files.
  void start(const Program& program) {
    const std::optional<Checkpoint> checkpoint = read();
    if (checkpoint) {
      state_ = checkpoint->state;
      problem_->target().set_counts(counts_of(checkpoint->counters));
      const auto before = checkpoint->counters.find("seconds");
      if (before != checkpoint->counters.end()) seconds_before_ = before->second;
    } else {
      state_ = program.start();
    }
    comm_.on_root("opening the run's files", [&] {
      if (options_.existing == Existing::overwrite) directory_->clear();
      log_.emplace(directory_->log());
      for (const std::string& line : warnings_) warn(line);
      write_file(directory_->config(), to_toml(config_));
      trace_.emplace(directory_->trace(), state_.step);
      note(fmt::format("vfe {}, {}, {}: {} ranks, {} threads each", VFE_VERSION, build_description(),
                       instruction_set(), comm_.size(), config_.fit.threads));
      problem_->on_print([this](const std::string& line) { note("the model prints: " + line); });
      note(fmt::format("{}; {} parameters; {}", problem_->description(), problem_->target().size(),
                       checkpoint ? fmt::format("resumed at step {}", state_.step) : "started"));
    });
    last_checkpoint_ = elapsed();
  }

  /// [collective] The checkpoint to go on from, if there is one; warnings_ on rank 0.
  std::optional<Checkpoint> read() {
    if (options_.existing != Existing::resume) return std::nullopt;
    std::string bytes;
    comm_.on_root("reading the checkpoint", [&] {
      const std::optional<Checkpoint> found = read_checkpoint(directory_->path(), warnings_);
      if (found) bytes = pack(*found);
    });
    bytes = comm_.broadcast(bytes);
    if (bytes.empty()) return std::nullopt;
    std::optional<Checkpoint> checkpoint;
    comm_.collectively("resuming", [&] {
      checkpoint = unpack_checkpoint(bytes);
      refuse_differences(checkpoint->config);
      const auto compare = [&](const std::string& what, std::uint64_t before, std::uint64_t now) {
        if (before == now) return;
        throw Error(
            Fault::checkpoint,
            fmt::format("the checkpoints in {} belong to {}: hash {:016x} in the checkpoint, {:016x} now",
                        config_.output.directory, what, before, now));
      };
      compare("other data than " + problem_->description(), checkpoint->data, problem_->data_hash());
      compare("another model", checkpoint->model, problem_->model_hash());
    });
    return checkpoint;
  }

  /// [collective] False if it was asked to stop; a checkpoint is then written.
  bool advance_to_the_end(const Program& program) {
    const Target& target = problem_->target();
    while (!state_.finished()) {
      target.set_state_hash(hash(state_));
      const double before = elapsed();
      Record record;
      try {
        record = program.advance(state_);
      } catch (const Error& error) {
        // Thrown on every rank alike, and the state is still good.
        if (error.fault() == Fault::numeric) save();
        throw;
      }
      const Request request = target.request();
      if (comm_.is_root()) keep_record(record, elapsed() - before, request.checkpoint);
      if (request.checkpoint) target.clear_request();
      if (request.stop && !state_.finished()) {
        save();
        stop_ = request;
        return false;
      }
    }
    return true;
  }

  /// Rank 0, after a step. It alone cannot stop all: what fails here asks the others to stop, through the
  /// reduction of the next step, and is thrown where all are together (see save()).
  void keep_record(const Record& record, double step_seconds, bool checkpoint_asked) {
    try {
      const double rows_per_second =
          static_cast<double>(record.rows) * static_cast<double>(record.draws) / std::max(step_seconds, 1e-9);
      const Target::Counts counts = problem_->target().counts();
      trace_->add(state_.step, record, {seconds(), counts.gradients, counts.calls}, rows_per_second);
      progress_.step(state_.step, record, elapsed(), rows_per_second);
      if (!record.note.empty()) note(fmt::format("{}, step {}: {}", record.stage, state_.step, record.note));
      const Config::Output& output = config_.output;
      const bool due = output.checkpoint_steps > 0
                           ? state_.step % static_cast<std::uint64_t>(output.checkpoint_steps) == 0
                           : elapsed() - last_checkpoint_ >= output.checkpoint_seconds;
      if (due || checkpoint_asked) write();
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      request_stop();
    }
    if (config_.fit.max_time > 0.0 && elapsed() >= config_.fit.max_time) request_stop();
  }

  /// Rank 0: the checkpoint of this moment, and the trace up to it.
  void write() {
    trace_->flush();
    Checkpoint checkpoint;
    checkpoint.state = state_;
    checkpoint.config = to_toml(config_);
    checkpoint.model = problem_->model_hash();
    checkpoint.data = problem_->data_hash();
    put_counts(problem_->target().counts(), checkpoint.counters);
    checkpoint.counters["seconds"] = seconds();
    write_checkpoint(directory_->path(), checkpoint);
    last_checkpoint_ = elapsed();
    note(fmt::format("checkpoint at step {}", state_.step));
  }

  /// [collective] A checkpoint; what failed on rank 0 before is thrown instead.
  void save() {
    comm_.on_root("writing the checkpoint", [&] {
      if (failure_) std::rethrow_exception(failure_);
      write();
    });
  }

  FitOutcome stopped() {
    const std::string why = stop_.signal != 0 ? fmt::format("by signal {}", stop_.signal) : "by fit.max_time";
    note(fmt::format("stopped {} at step {}", why, state_.step));
    if (comm_.is_root()) {
      progress_.line(fmt::format("stopped {} at step {}, checkpoint written: run again with --resume", why,
                                 state_.step));
    }
    FitOutcome outcome;
    outcome.stopped = true;
    return outcome;
  }

  /// [collective] Draws, verdict, result file.
  FitOutcome finish() {
    const Target& target = problem_->target();
    target.set_state_hash(hash(state_));
    std::optional<FitResult> result = make_result(comm_, config_, *problem_, *family_, state_);
    if (!result) {
      stop_ = target.request();
      return stopped();  // the checkpoint of the finished state stands
    }
    comm_.on_root("writing the result", [&] {
      if (!result->non_finite.empty()) warn(result->non_finite);
      describe(result->file);
      write_result(directory_->result(), result->file);
      note(fmt::format("{}: {}", to_string(result->verdict.grade), result->verdict.reason));
    });
    return {.stopped = false,
            .found_finished = false,
            .verdict = result->verdict,
            .lambda_hash = hash(state_.lambda),
            .draws_hash = result->draws_hash};
  }

  /// Rank 0: what the result says of the run that made it.
  void describe(ResultFile& file) {
    const Target::Counts counts = problem_->target().counts();
    auto& attributes = file.attributes;
    attributes["gradients"] = static_cast<std::int64_t>(counts.gradients);
    attributes["values"] = static_cast<std::int64_t>(counts.values);
    attributes["gradients_sequential"] = static_cast<std::int64_t>(counts.calls);
    attributes["non_finite"] = static_cast<std::int64_t>(counts.non_finite);
    attributes["steps"] = static_cast<std::int64_t>(state_.step);
    attributes["seconds"] = seconds();
    attributes["seed"] = static_cast<std::int64_t>(config_.fit.seed);
    attributes["ranks"] = std::int64_t{comm_.size()};
    attributes["threads"] = std::int64_t{config_.fit.threads};
    attributes["version"] = std::string(VFE_VERSION);
    attributes["build"] = build_description();
    attributes["instruction_set"] = instruction_set();
    attributes["data_hash"] = hexadecimal(problem_->data_hash());
    file.texts["config"] = to_toml(config_);
    if (problem_->schema()) file.texts["schema"] = to_json(*problem_->schema());
    trace_->flush();
    file.texts["stages"] = to_json(read_stage_costs(directory_->trace()));
    for (auto& [name, column] : read_trace(directory_->trace())) {
      file.arrays["trace/" + name] = std::move(column);
    }
  }

  const Communicator& comm_;
  const Config& config_;
  const FitOptions& options_;
  const MakeProblem make_problem_;
  const SignalGuard signals_;
  const Clock::time_point begin_ = Clock::now();
  double seconds_before_ = 0.0;
  std::unique_ptr<const Family> family_;
  State state_;
  Request stop_;

  // Rank 0 only.
  std::optional<RunDirectory> directory_;
  std::optional<FitLog> log_;
  std::optional<Trace> trace_;
  Progress progress_;
  std::vector<std::string> warnings_;
  std::exception_ptr failure_;
  double last_checkpoint_ = 0.0;

  std::unique_ptr<Problem> problem_;  ///< last: its model may print to the log to the end
};

}  // namespace

FitOutcome fit(const Communicator& comm, const Config& config, const FitOptions& options) {
  return FitRun(comm, config, options, [&] { return std::make_unique<Problem>(comm, config); }).run();
}

FitOutcome fit(const Communicator& comm, const Model& model, Spread spread, const Config& config,
               const FitOptions& options) {
  Config own = config;
  own.data = {};
  own.model = {};
  own.model.type = "function";
  return FitRun(comm, own, options, [&] { return std::make_unique<Problem>(comm, own, model, spread); })
      .run();
}

}  // namespace vfe
