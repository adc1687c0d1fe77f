#include "vfe/run/fit.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "run/fit_result.hpp"
#include "run/group_effects.hpp"
#include "run/row_groups.hpp"
#include "run/run_record.hpp"
#include "vfe/comm/request.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/left.hpp"
#include "vfe/infer/quadrature.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/problem/problem.hpp"
#include "vfe/program/inference_program.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

/// What the result file of an earlier run says.
struct FinishedRun {
  std::string config;
  std::uint64_t data_hash = 0, model_hash = 0;
  RunOutcome outcome;
};

FinishedRun read_finished(const std::string& result) {
  const ResultFile file = read_result_summary(result);
  try {
    return {text_of(file, "config"),
            hash_of(file.attributes, "data_hash"),
            hash_of(file.attributes, "model_hash"),
            {.found_finished = true,
             .fit = {.verdict = verdict_of(file.attributes)},
             .lambda_hash = hash_of(file.attributes, "lambda_hash"),
             .draws_hash = hash_of(file.attributes, "draws_hash")}};
  } catch (const Error& error) {
    throw Error(Fault::data, fmt::format("{}: {}", result, error.what()));
  }
}

/// The course of a run: collective, but for the record, which rank 0 keeps.
class FitRun {
 public:
  using MakeProblem = std::function<std::unique_ptr<Problem>()>;
  FitRun(const Communicator& comm, const Config& config, const RunOptions& options, MakeProblem make_problem)
      : comm_(comm), config_(config), options_(options), make_problem_(std::move(make_problem)) {}

  RunOutcome run() {
    clear_request(true);  // an earlier fit of this process may have been asked to stop
    comm_.on_root("preparing the run folder",
                  [&] { record_.emplace(config_, options_.existing, options_.quiet, comm_.size()); });
    const std::optional<FinishedRun> finished = find_finished();
    comm_.barrier();  // all have looked before the folder changes
    if (options_.before_loading) options_.before_loading();
    problem_ = make_problem_();
    if (finished) {
      comm_.collectively("resuming", [&] {
        refuse_others(fmt::format("the result in {}", config_.output.directory), finished->data_hash,
                      finished->model_hash);
      });
      return finished->outcome;
    }
    check_output();
    family_ = make_family(config_, problem_->target().size());
    const Program program = inference_program(config_, *problem_, *family_);
    start(program);
    for (;;) {
      if (!advance_to_the_end(program)) return stopped();
      save();
      Calls& calls = problem_->target().calls();
      calls.state_hash = hash(state_);
      std::optional<FitResult> result = make_result(comm_, config_, *problem_, *family_, state_);
      if (!result) {
        stop_ = calls.request;
        return stopped();  // the checkpoint of the finished state stands
      }
      const std::optional<QuadratureCheck> nodes = check_nodes_at(*result);
      if (!nodes || nodes->enough || config_.model.nodes > 0 || more_nodes(nodes->nodes) == 0) {
        return finish(*std::move(result), nodes);
      }
      const std::uint64_t done = state_.step;
      state_ = program.start();
      state_.step = done;  // steps are those of the run: in its trace, and in the names of checkpoints
      state_.put(left::least_nodes, more_nodes(nodes->nodes));
      set_nodes();
    }
  }

 private:
  void refuse_differences(const std::string& config_before) const {
    const std::vector<std::string> found = differences(config_before, to_toml(config_));
    if (!found.empty()) {
      throw Error(Fault::config, fmt::format("{} was begun with another configuration: {}",
                                             config_.output.directory, fmt::join(found, "; ")));
    }
  }

  /// Of what a run went on from: `what` holds the hashes of its data and model.
  void refuse_others(const std::string& what, std::uint64_t data, std::uint64_t model) const {
    const auto compare = [&](const std::string& of, std::uint64_t before, std::uint64_t now) {
      if (before == now) return;
      throw Error(Fault::checkpoint,
                  fmt::format("{} belongs to {}: hash {:016x} then, {:016x} now", what, of, before, now));
    };
    compare("other data than " + problem_->description(), data, problem_->data_hash());
    compare("another model", model, problem_->model_hash());
  }

  /// [collective] A resumed run that needs nothing more.
  std::optional<FinishedRun> find_finished() const {
    if (options_.existing != Existing::resume) return std::nullopt;
    std::string found;
    comm_.on_root("looking for a finished run", [&] {
      if (const auto result = record_->finished()) found = result->string();
    });
    found = comm_.broadcast(found);
    if (found.empty()) return std::nullopt;
    std::optional<FinishedRun> complete;
    comm_.collectively("reading the finished run", [&] {
      const FinishedRun finished = read_finished(found);
      refuse_differences(finished.config);
      // Other draws, or more of them, are made anew from the last checkpoint.
      auto before = written_values(finished.config), now = written_values(to_toml(config_));
      for (const char* key : {"output.draws", "output.log_likelihood", "output.log_prior",
                              "output.posterior_predictive", "output.group_effects"}) {
        if (before[key] != now[key]) return;
      }
      complete = finished;
    });
    return complete;
  }

  /// [collective] What the result is to hold, before the fit.
  void check_output() const {
    check_row_groups(comm_, config_, *problem_);
    check_size_of_group_effects(comm_, config_, *problem_);
    if (config_.output.log_prior && problem_->model().log_prior_terms().empty()) {
      throw Error(Fault::config,
                  "output.log_prior: found true, with a model that is one log density; expected "
                  "one that tells its prior from its likelihood");
    }
  }

  /// [collective] Sets the state: that of the newest checkpoint or the first. Opens the files.
  void start(const Program& program) {
    const std::optional<Checkpoint> checkpoint = read();
    double seconds_before = 0.0;
    if (checkpoint) {
      state_ = checkpoint->state;
      problem_->target().calls() = calls_of(checkpoint->counters);
      const auto before = checkpoint->counters.find("seconds");
      if (before != checkpoint->counters.end()) seconds_before = before->second;
    } else {
      state_ = program.start();
    }
    set_nodes();
    comm_.on_root("opening the run's files", [&] {
      record_->open(*problem_, state_, checkpoint.has_value(), seconds_before);
      problem_->on_print([this](const std::string& line) { record_->note("the model prints: " + line); });
    });
  }

  /// [collective] The checkpoint to go on from, if there is one.
  std::optional<Checkpoint> read() {
    if (options_.existing != Existing::resume) return std::nullopt;
    std::string bytes;
    comm_.on_root("reading the checkpoint", [&] {
      if (const std::optional<Checkpoint> found = record_->newest_checkpoint()) bytes = pack(*found);
    });
    bytes = comm_.broadcast(bytes);
    if (bytes.empty()) return std::nullopt;
    std::optional<Checkpoint> checkpoint;
    comm_.collectively("resuming", [&] {
      checkpoint = unpack_checkpoint(bytes);
      refuse_differences(checkpoint->config);
      refuse_others(fmt::format("the checkpoint in {}", config_.output.directory), checkpoint->data,
                    checkpoint->model);
    });
    return checkpoint;
  }

  /// [collective] False if it was asked to stop; a checkpoint is then written.
  bool advance_to_the_end(const Program& program) {
    Calls& calls = problem_->target().calls();
    while (!state_.finished()) {
      calls.state_hash = hash(state_);
      const Clock::time_point before = Clock::now();
      Record record;
      try {
        record = program.advance(state_);
      } catch (const Error& error) {
        // Thrown on every rank alike, and the state is still good.
        if (error.fault() == Fault::numeric) save();
        throw;
      }
      const Request request = calls.request;
      if (comm_.is_root())
        keep(record, std::chrono::duration<double>(Clock::now() - before).count(), request.checkpoint);
      if (request.checkpoint) {
        clear_request();
        calls.request.checkpoint = false;
      }
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
  void keep(const Record& record, double step_seconds, bool checkpoint_asked) {
    try {
      record_->add(*problem_, state_, record, step_seconds, checkpoint_asked);
    } catch (...) {
      if (!failure_) failure_ = std::current_exception();
      request_stop();
    }
    if (config_.fit.max_time > 0.0 && record_->elapsed() >= config_.fit.max_time) request_stop();
  }

  /// [collective] A checkpoint; what failed on rank 0 before is thrown instead.
  void save() {
    comm_.on_root("writing the checkpoint", [&] {
      if (failure_) std::rethrow_exception(failure_);
      record_->save(*problem_, state_);
    });
  }

  RunOutcome stopped() {
    const std::string why = stop_.signal != 0 ? fmt::format("by signal {}", stop_.signal) : "by fit.max_time";
    if (comm_.is_root()) {
      record_->note(fmt::format("stopped {} at step {}", why, state_.step));
      if (!config_.output.directory.empty()) {
        record_->say(fmt::format("stopped {} at step {}, checkpoint written: run again with --resume", why,
                                 state_.step));
      }
    }
    RunOutcome outcome;
    outcome.fit.stopped = true;
    return outcome;
  }

  /// Those that the state has come to.
  void set_nodes() {
    Integrated* model = problem_->integrated();
    if (model == nullptr || model->local().is_quadratic() || config_.model.nodes > 0) return;
    model->set_nodes(state_.get_or(left::nodes, pilot_nodes));
  }

  /// [collective] At some draws of the result; nothing where nothing is integrated.
  std::optional<QuadratureCheck> check_nodes_at(const FitResult& result) {
    Integrated* model = problem_->integrated();
    if (model == nullptr) return std::nullopt;
    constexpr Index most_draws = 32;
    const Matrix theta = unconstrained_draws(result.file, model->parameters());
    const Index count = std::min(most_draws, theta.cols());
    Matrix some(theta.rows(), count);
    for (Index s = 0; s < count; ++s) some.col(s) = theta.col(s * theta.cols() / count);
    const QuadratureCheck check = check_quadrature(problem_->target(), *model, some);
    comm_.on_root("writing the log", [&] {
      record_->note("effects of groups are integrated " +
                    (model->local().is_quadratic() ? std::string("exactly") : "with " + check.describe()));
    });
    return check;
  }

  /// What is wrong with a result whose integrals are.
  void refuse(const QuadratureCheck& nodes, FitResult& result) const {
    Verdict& verdict = result.verdict;
    verdict.grade = Grade::rejected;
    verdict.reason = fmt::format(
        "{} {} too few to integrate effects of groups: at draws of the result the next rule moves the log "
        "density by {:.2g} nats (limit 0.02)",
        counted(nodes.nodes, "node"), nodes.nodes == 1 ? "is" : "are", nodes.change);
    verdict.plain = "the integrals over effects of groups are not accurate";
    verdict.advice =
        config_.model.type == "function" ? "vfe::Integrated with more nodes" : "model.integrate = \"auto\"";
    put_verdict(verdict, result.file.attributes);
  }

  /// [collective] Writes the result file.
  RunOutcome finish(FitResult result, const std::optional<QuadratureCheck>& nodes) {
    if (nodes && !nodes->enough) refuse(*nodes, result);
    if (nodes && !problem_->integrated()->local().is_quadratic()) {
      result.file.attributes["nodes"] = std::int64_t{nodes->nodes};
      result.file.attributes["nodes_change"] = nodes->change;
    }
    comm_.on_root("writing the result", [&] {
      if (!result.non_finite.empty()) record_->warn(result.non_finite);
      record_->finish(*problem_, state_, result.file);
      record_->note(fmt::format("{}: {}", to_string(result.verdict.grade), result.verdict.reason));
    });
    RunOutcome outcome{.lambda_hash = hash(state_.lambda), .draws_hash = result.draws_hash};
    Fit& fit = outcome.fit;
    fit.verdict = std::move(result.verdict);
    const std::vector<Parameter>& quantities = problem_->model().quantities();
    for (Index k = 0; k < result.draws.rows(); ++k) fit.names.push_back(entry_name(quantities, k));
    fit.draws = std::move(result.draws);
    fit.moments = std::move(result.moments);
    return outcome;
  }

  using Clock = std::chrono::steady_clock;

  const Communicator& comm_;
  const Config& config_;
  const RunOptions& options_;
  const MakeProblem make_problem_;
  const SignalGuard signals_;
  std::unique_ptr<const Family> family_;
  State state_;
  Request stop_;
  std::optional<RunRecord> record_;   ///< of rank 0
  std::exception_ptr failure_;        ///< of the record
  std::unique_ptr<Problem> problem_;  ///< last: its model may print to the record to the end
};

}  // namespace

RunOutcome run_fit(const Communicator& comm, const Config& config, const RunOptions& options) {
  return FitRun(comm, config, options, [&] { return std::make_unique<Problem>(comm, config); }).run();
}

RunOutcome run_fit(const Communicator& comm, const Model& model, const Config& config,
                   const RunOptions& options) {
  Config own = config;
  own.data = {};
  own.model = {};
  own.model.type = "function";
  if (const auto* integrated = dynamic_cast<const Integrated*>(&model)) own.model.nodes = integrated->nodes();
  return FitRun(comm, own, options, [&] { return std::make_unique<Problem>(comm, own, model); }).run();
}

Fit fit(const Communicator& comm, const Model& model, const FitOptions& options) {
  Config config;
  config.family.type = options.family;
  config.fit.seed = options.seed;
  config.fit.threads = options.threads;
  config.fit.max_time = options.max_time;
  config.output.draws = options.draws;
  config.output.directory = options.directory.string();
  return run_fit(comm, model, config, {options.existing, options.quiet}).fit;
}

}  // namespace vfe
