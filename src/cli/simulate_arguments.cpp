#include "cli/simulate_arguments.hpp"

#include <fmt/format.h>

#include <charconv>
#include <memory>
#include <vector>

#include "vfe/core/error.hpp"
#include "vfe/core/random.hpp"

namespace vfe {
namespace {

/// "COLUMN=COUNT".
void add_levels(const std::string& text, SimulateOptions& options) {
  const std::size_t equals = text.rfind('=');
  const char* const end = text.data() + text.size();
  Index count = 0;
  const bool is_count = equals != std::string::npos && equals > 0 && equals + 1 < text.size() &&
                        std::from_chars(text.data() + equals + 1, end, count).ptr == end;
  if (!is_count) throw Error(Fault::usage, fmt::format("--levels {}: expected COLUMN=COUNT", text));
  options.levels[text.substr(0, equals)] = count;
}

}  // namespace

std::function<SimulateArguments()> add_simulate_arguments(CLI::App& app) {
  auto arguments = std::make_shared<SimulateArguments>();
  SimulateOptions& options = arguments->options;
  auto model = std::make_shared<std::string>();
  std::vector<std::string> models;
  for (const LikelihoodTraits& likelihood : likelihoods()) models.push_back(likelihood.name);
  CLI::Option* likelihood = app.add_option("MODEL", *model, "Likelihood")->check(CLI::IsMember(models));
  app.add_option("--prior", arguments->prior,
                 "CONFIG: instead, parameters from its priors, and responses of the rows of its dataset from "
                 "these, for ArviZ (of a formula without effects of groups)")
      ->excludes(likelihood);
  app.add_option("-o,--output", options.output, "Dataset to write")->required();
  app.add_option("--rows", options.rows, "Number of rows")->check(CLI::PositiveNumber)->capture_default_str();
  CLI::Option* formula =
      app.add_option("--formula", options.formula,
                     "What explains the response, as in model.formula; else y ~ x1 + x2 + ...");
  auto levels = std::make_shared<std::vector<std::string>>();
  app.add_option("--levels", *levels,
                 "COLUMN=COUNT: a column of the formula that is a factor, or names groups; may be repeated")
      ->take_all()
      ->allow_extra_args(false)
      ->needs(formula);
  app.add_option("--columns", options.columns, "Number of columns, without a formula")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str()
      ->excludes(formula);
  app.add_option("--classes", options.classes, "Number of classes (softmax, ordinal)")
      ->check(CLI::Range(2, 1000))
      ->capture_default_str();
  app.add_option("--effect", options.effect,
                 "Standard deviation of the linear predictor's part by the columns")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  app.add_option("--block-rows", options.block_rows, "Rows of a block; 0 chooses")
      ->check(CLI::NonNegativeNumber);
  app.add_flag("--float32,!--float64", options.single,
               "Store columns in single (the default) or double precision");
  app.add_option("--seed", options.seed, "Seed of truth and rows")
      ->check(CLI::Range(std::uint64_t{0}, max_seed))
      ->capture_default_str();
  return [=] {
    SimulateArguments found = *arguments;
    if (!found.prior.empty()) return found;
    if (model->empty())
      throw Error(Fault::usage, "simulating: no model, expected a likelihood or --prior CONFIG");
    found.options.likelihood = likelihood_from_string(*model);
    for (const std::string& text : *levels) add_levels(text, found.options);
    return found;
  };
}

}  // namespace vfe
