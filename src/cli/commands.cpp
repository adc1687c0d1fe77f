#include "vfe/cli/commands.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "cli/completion.hpp"
#include "cli/import_arguments.hpp"
#include "cli/manual.hpp"
#include "cli/simulate_arguments.hpp"
#include "cli/start.hpp"
#include "cli/wrong_usage.hpp"
#include "vfe/comm/agreement.hpp"
#include "vfe/comm/communicator.hpp"
#include "vfe/comm/failure.hpp"
#include "vfe/commands/build_library.hpp"
#include "vfe/commands/check.hpp"
#include "vfe/commands/diagnose.hpp"
#include "vfe/commands/diagnosis_text.hpp"
#include "vfe/commands/draws.hpp"
#include "vfe/commands/import_text.hpp"
#include "vfe/commands/info.hpp"
#include "vfe/commands/info_text.hpp"
#include "vfe/commands/output_file.hpp"
#include "vfe/commands/predict.hpp"
#include "vfe/commands/prior_predictive.hpp"
#include "vfe/config/key_descriptions.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/notice.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/wrapped.hpp"
#include "vfe/data/import.hpp"
#include "vfe/data/simulate.hpp"
#include "vfe/run/fit.hpp"
#include "vfe/stan/stan_build.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

constexpr int done = 0;

int code_of(Fault fault) {
  return static_cast<int>(fault);
}

int first_print_error = 0;  // errno of the first write to stdout that failed, of rank 0

/// Prints on rank 0, nothing that would steer a terminal.
void print(const Communicator& comm, std::FILE* stream, const std::string& text) {
  if (!comm.is_root()) return;
  const std::string plain = printable(text);
  const bool failed = std::fwrite(plain.data(), 1, plain.size(), stream) < plain.size();
  if (failed && stream == stdout && first_print_error == 0) first_print_error = errno;
}

/// [collective] What was printed must have arrived: a full disk tells of it only here.
int printed(const Communicator& comm, int code) {
  comm.on_root("printing", [] {
    if (std::fflush(stdout) != 0 && first_print_error == 0) first_print_error = errno;
    if (first_print_error == 0) return;
    throw Error(Fault::io, fmt::format("writing to standard output: {}", std::strerror(first_print_error)));
  });
  return code;
}

void add_overwrite(CLI::App* app, bool& overwrite) {
  app->add_flag("--overwrite", overwrite, "Replace an output file that is there");
}

/// A subcommand: its options are parsed into variables that `body` has captured.
struct Command {
  CLI::App* app = nullptr;
  bool parallel = true;  ///< runs under mpirun, so MPI is brought up for it
  std::function<int(const Communicator&)> body;
};

/// [collective] The configuration, read by rank 0 alone.
Config shared_config(const Communicator& comm, const std::string& file,
                     const std::vector<std::string>& overrides) {
  std::string text;
  comm.on_root("reading the configuration", [&] { text = read_file(file); });
  return parse_config(comm.broadcast(text), file, overrides);
}

void add_overrides(CLI::App* app, std::vector<std::string>& overrides) {
  app->add_option("--set", overrides, "table.key=value: replaces what the file says; may be repeated")
      ->take_all()
      ->allow_extra_args(false);
}

Command fit_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("fit", "Fit a model; under mpirun, on all ranks");
  struct Options {
    std::string file;
    std::vector<std::string> overrides;
    bool resume = false, overwrite = false, quiet = false, accept_rejected = false;
  };
  auto options = std::make_shared<Options>();
  app->add_option("CONFIG", options->file, "Configuration, TOML; its keys: vfe schema")->required();
  CLI::Option* resume =
      app->add_flag("--resume", options->resume, "Continue where a checkpoint exists, start where none does");
  app->add_flag("--overwrite", options->overwrite, "Replace a run that is there")->excludes(resume);
  app->add_flag("--accept-rejected", options->accept_rejected,
                "Exit code 0, not 2, where the result is neither certified nor corrected");
  app->add_flag("--quiet", options->quiet, "No progress on stderr");
  add_overrides(app, options->overrides);
  return {app, true, [options](const Communicator& comm) {
            // Of a job in which several were asked for one process that fits is a mistake, others are none.
            if (std::getenv("SLURM_STEP_NUM_TASKS") == nullptr) refuse_lonely_task(comm, "SLURM_NTASKS");
            const Config config = shared_config(comm, options->file, options->overrides);
            RunOptions run_options;
            if (options->resume) run_options.existing = Existing::resume;
            if (options->overwrite) run_options.existing = Existing::overwrite;
            run_options.quiet = options->quiet;
            run_options.before_loading = [&] { build_library(comm, config); };
            const RunOutcome outcome = run_fit(comm, config, run_options);
            if (outcome.fit.stopped) return code_of(Fault::stopped);
            print(comm, stdout,
                  fmt::format("{}{}\n{}result in {}/result.h5\n",
                              outcome.found_finished ? "finished before, nothing to do\n" : "",
                              wrapped(usability(outcome.fit.verdict), text_columns, 2),
                              verdict_text(outcome.fit.verdict), config.output.directory));
            const bool usable = trusted(outcome.fit.verdict.grade) || options->accept_rejected;
            return usable ? done : code_of(Fault::rejected);
          }};
}

Command import_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("import", "Turn a CSV file into a dataset; one process");
  const std::function<ImportOptions()> arguments = add_import_arguments(*app);
  auto overwrite = std::make_shared<bool>(false);
  add_overwrite(app, *overwrite);
  return {app, false, [=](const Communicator& comm) {
            const ImportOptions options = arguments();
            check_output(options.output, *overwrite, {options.input});
            if (!options.holdout_output.empty())
              check_output(options.holdout_output, *overwrite, {options.input});
            const ImportReport report = import_csv(options);
            for (const std::string& line : report.warnings) {
              print(comm, stderr, fmt::format("vfe: warning: {}\n", line));
            }
            for (const std::string& line : report.notes) {
              print(comm, stderr, fmt::format("vfe: note: {}\n", line));
            }
            print(comm, stdout, import_text(report, options));
            return done;
          }};
}

Command simulate_command(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("simulate", "Write a dataset with a known truth, or draws of a prior");
  const auto arguments = add_simulate_arguments(*app);
  auto overwrite = std::make_shared<bool>(false);
  add_overwrite(app, *overwrite);
  return {app, true, [arguments, overwrite](const Communicator& comm) {
            const auto [options, prior] = arguments();
            if (!prior.empty()) {
              const Config config = shared_config(comm, prior, {});
              comm.on_root("simulating", [&] {
                check_output(options.output, *overwrite, {config.data.file, prior});
              });
              print(comm, stdout,
                    to_text(draw_prior(comm, config, {.output = options.output})) +
                        fmt::format("draws in {}\n", options.output.string()));
              return done;
            }
            comm.on_root("simulating", [&] { check_output(options.output, *overwrite, {}); });
            const DatasetSchema schema = simulate(comm, options);
            print(comm, stdout,
                  fmt::format("{}, {}, {} of {}{} in {}\n", counted(schema.num_rows(), "row"),
                              counted(schema.table.size(), "column"), counted(schema.num_blocks(), "block"),
                              schema.blocks.are_equal() ? "" : "up to ",
                              counted(schema.blocks.block_rows(), "row"), options.output.string()));
            return done;
          }};
}

Command check_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "check", "Parse a configuration, open the data, compare the gradient with differences; fits nothing");
  auto file = std::make_shared<std::string>();
  auto overrides = std::make_shared<std::vector<std::string>>();
  app->add_option("CONFIG", *file, "Configuration, TOML")->required();
  add_overrides(app, *overrides);
  return {app, true, [file, overrides](const Communicator& comm) {
            const Config config = shared_config(comm, *file, *overrides);
            print(comm, stdout, fmt::format("configuration: {}\n", *file));
            const CheckReport report = check(comm, config);
            for (const std::string& line : report.lines) print(comm, stdout, line + "\n");
            return done;
          }};
}

Command draws_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("draws", "More draws of q from a finished fit; needs no data");
  auto options = std::make_shared<DrawsOptions>();
  app->add_option("RUN", options->run, "Folder of a run, or its result file")->required();
  app->add_option("-n", options->count, "Number of draws")->check(CLI::PositiveNumber)->capture_default_str();
  app->add_option("-o,--output", options->output, "File to write")->required();
  auto overwrite = std::make_shared<bool>(false);
  add_overwrite(app, *overwrite);
  app->add_option("--seed", options->seed, "Seed; without it, the draws that follow those in the result")
      ->check(CLI::Range(std::uint64_t{0}, max_seed));
  return {app, true, [options, overwrite](const Communicator& comm) {
            comm.on_root("drawing", [&] { check_output(options->output, *overwrite, {options->run}); });
            DrawsReport report;
            comm.on_root("drawing", [&] { report = write_draws(*options); });
            if (report.verdict.grade != Grade::certified) {
              print(comm, stderr,
                    fmt::format("vfe: warning: these are {}, and the verdict is {}: {}\n",
                                report.of_q ? "raw draws of q" : "draws of what the fit sampled",
                                to_string(report.verdict.grade), report.verdict.reason));
            }
            print(comm, stdout,
                  fmt::format("{} in {}\n", counted(options->count, "draw"), options->output.string()));
            if (report.repeated > 0.0) {
              print(comm, stdout, fmt::format("{:.0f} % of them repeat another\n", 100.0 * report.repeated));
            }
            return done;
          }};
}

Command predict_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand(
      "predict", "Predict the responses of a table, and score the predictions where it has responses");
  auto options = std::make_shared<PredictOptions>();
  app->add_option("RUN", options->run, "Folder of a run, or its result file")->required();
  CLI::Option* data = app->add_option(
      "DATA", options->data,
      "Dataset or CSV, of columns named like those of the fit, the response perhaps not among them; - for "
      "standard input");
  app->add_option("-o,--output", options->output, "File to write: a table if it ends in .csv, else for ArviZ")
      ->required();
  app->add_option("--vary", options->vary,
                  "COLUMN, COLUMN=LOW:HIGH:COUNT or COLUMN=VALUE,VALUE: without DATA, predict for every "
                  "combination of these, other columns at their mean or first level; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->excludes(data);
  app->add_option("--at", options->at, "COLUMN=VALUE: where another column stays then; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->excludes(data);
  auto reference = std::make_shared<std::string>("refuse");
  app->add_option("--new-levels", *reference,
                  "Levels that the fit did not know: refuse, or take for the reference")
      ->check(CLI::IsMember({"refuse", "reference"}))
      ->capture_default_str();
  auto groups = std::make_shared<std::string>("include");
  app->add_option(
         "--groups", *groups,
         "Effects of groups, (1 | g): include those of each row's group, and of a group that the fit "
         "did not know effects drawn from the distribution of groups; exclude them (0, columns that "
         "name groups are not read); or new, as if every group were new. All rows of a new group "
         "have the same effects, those where its name is missing too. With --vary or --at, include "
         "takes those of groups that these name")
      ->check(CLI::IsMember({"include", "exclude", "new"}))
      ->capture_default_str();
  const auto format = add_format_arguments(*app);
  auto overwrite = std::make_shared<bool>(false);
  add_overwrite(app, *overwrite);
  app->add_option("--draws", options->draws, "Posterior draws to use")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app->add_option("--seed", options->seed, "Seed of simulated responses; without it, the fit's")
      ->check(CLI::Range(std::uint64_t{0}, max_seed));
  return {app, true, [options, overwrite, reference, groups, format](const Communicator& comm) {
            if (options->data.empty() && options->vary.empty() && options->at.empty())
              throw Error(Fault::usage, "predicting: no rows, expected DATA, or --vary or --at");
            if (*reference == "reference") options->new_levels = NewLevels::reference;
            if (*groups == "exclude") options->groups = GroupsOfRows::exclude;
            if (*groups == "new") options->groups = GroupsOfRows::fresh;
            std::tie(options->format, options->fields) = format();
            comm.on_root("predicting", [&] {
              check_output(options->output, *overwrite, {options->run, options->data});
            });
            const PredictReport report = predict(comm, *options);
            for (const std::string& line : report.notes)
              print(comm, stderr, fmt::format("vfe: note: {}\n", line));
            print(comm, stdout,
                  to_text(report) + fmt::format("predictions in {}\n", options->output.string()));
            return done;
          }};
}

Command diagnose_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("diagnose",
                                         "Verdict and coefficients of a finished fit; exit code 0 certified "
                                         "or corrected, 2 approximate or rejected");
  auto run = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  app->add_option("RUN", *run, "Folder of a run, or its result file")->required();
  app->add_flag("--json", *json, "Print JSON");
  return {app, true, [run, json](const Communicator& comm) {
            bool usable = false;
            comm.collectively("reading the result", [&] {
              const Diagnosis diagnosis = diagnose(*run);
              usable = trusted(diagnosis.verdict.grade);
              print(comm, stdout, *json ? to_json(diagnosis) : to_text(diagnosis));
            });
            return usable ? done : code_of(Fault::rejected);
          }};
}

Command info_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("info", "What a dataset, a checkpoint or a result holds; checks it");
  auto file = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  app->add_option("FILE", *file, "File of vfe, or the folder of a run for its result")->required();
  app->add_flag("--json", *json, "Print JSON");
  return {app, false, [file, json](const Communicator& comm) {
            const FileInfo found = info(*file);
            print(comm, stdout, *json ? to_json(found) : to_text(found));
            return done;
          }};
}

Command stan_command(CLI::App& program) {
  CLI::App* stan = program.add_subcommand("stan", "Stan programs");
  stan->require_subcommand(1);
  CLI::App* app = stan->add_subcommand("build", "Compile a Stan program into a library for [model] library");
  auto options = std::make_shared<StanBuildOptions>();
  auto flags = std::make_shared<std::string>();
  app->add_option("PROGRAM", options->source, "Stan program, MODEL.stan")->required();
  app->add_option("-o,--output", options->output,
                  "Library to write; without it, MODEL.so beside the program");
  auto overwrite = std::make_shared<bool>(false);
  add_overwrite(app, *overwrite);
  app->add_option("--cxxflags", *flags, "Flags for the C++ compiler, in one word: \"-O1 -march=native\"");
  app->add_option(
      "--stan", options->stan,
      "httpstan package or virtual environment, CmdStan or BridgeStan tree; without it, python3's "
      "httpstan, else ~/.cmdstan, ~/.bridgestan");
  return {app, false, [options, flags, overwrite](const Communicator& comm) {
            if (options->output.empty()) {
              options->output = options->source;
              options->output.replace_extension(".so");
            }
            check_output(options->output, *overwrite, {options->source});
            options->cxx_flags = CLI::detail::split_up(*flags);
            options->progress = [&](const std::string& line) { print(comm, stderr, line + "\n"); };
            try {
              const StanBuildReport report = build_stan(*options);
              print(comm, stderr, report.warnings);
              print(comm, stdout, fmt::format("{} ({:.0f} s)\n", options->output.string(), report.seconds));
              return done;
            } catch (const StanBuildError& error) {
              // What the tool says, as it says it: an excerpt of the program does not fit one line.
              print(comm, stderr, fmt::format("vfe: {}:\n{}", error.doing(), error.output()));
              return code_of(error.fault());
            }
          }};
}

Command schema_command(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("schema", "Every key of a configuration: type, range, default, meaning");
  auto table = std::make_shared<std::string>();
  app->add_option("TABLE", *table, "One table: data, model, family, fit, output");
  return {app, false, [table](const Communicator& comm) {
            print(comm, stdout, schema_text(*table));
            return done;
          }};
}

Command man_command(CLI::App& program) {
  CLI::App* app = program.add_subcommand("man", "The manual page: vfe man | man -l -");
  return {app, false, [&program](const Communicator& comm) {
            print(comm, stdout, manual(program, key_descriptions()));
            return done;
          }};
}

Command completion_command(CLI::App& program) {
  CLI::App* app =
      program.add_subcommand("completion", "Completion of the command line: . <(vfe completion bash)");
  auto shell = std::make_shared<std::string>();
  app->add_option("SHELL", *shell, "The shell")->required()->check(CLI::IsMember({"bash"}));
  return {app, false, [&program, shell](const Communicator& comm) {
            std::vector<std::string> keys;
            for (const KeyDescription& key : key_descriptions()) keys.push_back(key.full_name());
            print(comm, stdout, bash_completion(program, keys));
            return done;
          }};
}

/// What needs no MPI: this process alone, whatever started it.
int run_alone(const std::function<int(const Communicator&)>& body) {
  int code = done;
  const std::optional<Failure> failure = failure_of([&] { code = body(Communicator::self()); });
  if (!failure) return code;
  notice("vfe: " + failure->line + "\n");
  return code_of(failure->fault);
}

/// Throws CLI::ParseError.
void parse(CLI::App& program, std::vector<std::string> arguments) {
  for (const CLI::App* command : program.get_subcommands([](const CLI::App*) { return true; })) {
    if (arguments.empty() || command->get_name() != arguments.front()) continue;
    const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
    std::vector<std::string> repeated = with_repeated_options(*command, rest);
    repeated.insert(repeated.begin(), arguments.front());
    arguments = std::move(repeated);
    break;
  }
  std::reverse(arguments.begin(), arguments.end());  // as CLI11 takes a vector
  program.parse(std::move(arguments));
}

}  // namespace

int main_program(int argc, char** argv) {
  reserve_standard_streams();
  // Until a fit listens they ask for nothing; while MPI comes up they would end the job.
  for (const int asked : {SIGUSR1, SIGUSR2}) std::signal(asked, SIG_IGN);
  CLI::App program(
      "vfe fits an approximate posterior to a Bayesian model whose data are spread over MPI ranks, "
      "and says how far it can be trusted.",
      "vfe");
  program.set_version_flag("--version", "vfe " VFE_VERSION);
  program.require_subcommand(1);
  const std::vector<Command> commands = {
      import_command(program),   simulate_command(program), check_command(program),
      fit_command(program),      draws_command(program),    predict_command(program),
      diagnose_command(program), info_command(program),     stan_command(program),
      schema_command(program),   man_command(program),      completion_command(program)};
  const std::vector<std::string> arguments(argv + 1, argv + std::max(argc, 1));
  try {
    parse(program, arguments);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) {
      program.exit(error);  // prints the help or the version
      std::cout.flush();
      return run_alone([](const Communicator& comm) {
        if (!std::cout) first_print_error = first_print_error == 0 ? EIO : first_print_error;
        return printed(comm, done);
      });
    }
    notice("vfe: " + wrong_usage(program, arguments, error) + "\n");
    return code_of(Fault::usage);
  }
  // A file that grows beyond a limit is then an error that is reported, not the end of the process.
  std::signal(SIGXFSZ, SIG_IGN);
  for (const Command& command : commands) {
    if (!command.app->parsed()) continue;
    const auto body = [&](const Communicator& comm) {
      if (command.parallel) expect_same_command(comm, arguments);
      return printed(comm, command.body(comm));
    };
    return command.parallel ? run(argc, argv, body) : run_alone(body);
  }
  return code_of(Fault::bug);
}

}  // namespace vfe
