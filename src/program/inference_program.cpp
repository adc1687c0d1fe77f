#include "vfe/program/inference_program.hpp"

#include <algorithm>
#include <utility>

#include "vfe/infer/exploration.hpp"
#include "vfe/infer/fixed_draws.hpp"
#include "vfe/infer/modes.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/infer/quadrature.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/infer/stochastic.hpp"
#include "vfe/program/auto_program.hpp"

namespace vfe {
namespace {

/// The blocks that find the start of a stochastic fit: four minibatches' worth, taken at equal distances.
Minibatch pilot(const Config& config, const Target& target) {
  const Index wanted = std::min(target.num_blocks(), 4 * config.fit.blocks_per_step);
  return {0, (target.num_blocks() + wanted - 1) / wanted};
}

std::unique_ptr<Stage> last_stage(const Config& config, const Target& target, const Family& family) {
  if (config.fit.mode == Mode::synchronous) {
    FixedDrawsOptions options;
    options.seed = config.fit.seed;
    if (config.fit.draws_per_step > 0) {
      // Antithetic pairs; with fewer than the dimension needs, q would degenerate.
      const Index even = config.fit.draws_per_step + config.fit.draws_per_step % 2;
      options.draws = std::max(even, num_fixed_draws(family));
    }
    return fixed_draws(target, family, options);
  }
  StochasticOptions options;
  options.blocks_per_step = config.fit.blocks_per_step;
  if (config.fit.draws_per_step > 0) options.draws_per_step = config.fit.draws_per_step;
  options.optimizer = config.fit.optimizer;
  if (config.fit.rate > 0.0) options.rate = config.fit.rate;
  options.max_steps = config.fit.max_steps;
  options.seed = config.fit.seed;
  return stochastic(target, family, options);
}

}  // namespace

std::unique_ptr<const Family> make_family(const Config& config, Index d) {
  if (config.family.type != "auto") return make_family(config.family, d);
  if (is_automatic(config)) return make_family(fitted_family(d), d, config.family.rank);
  return make_family(d <= regimes::dense ? "full_rank" : "mean_field", d, config.family.rank);
}

void add_quadrature(const Config& config, const Problem& problem, std::vector<Place>& places) {
  Integrated* model = problem.integrated();
  if (model == nullptr || model->local().is_quadratic() || config.model.nodes > 0) return;
  places.emplace_back(quadrature(problem.target(), *model, config.fit.seed));
}

Program inference_program(const Config& config, const Problem& problem, const Family& family) {
  if (is_automatic(config)) return auto_program(config, problem, family);
  const Target& target = problem.target();
  const Minibatch batch = config.fit.mode == Mode::stochastic ? pilot(config, target) : Minibatch{};
  ModesOptions modes_options;
  modes_options.batch = batch;
  modes_options.seed = config.fit.seed;
  PolishOptions polish_options;
  polish_options.batch = batch;
  polish_options.diagonal = !family.dense();
  polish_options.seed = config.fit.seed;
  ExplorationOptions exploration_options;
  exploration_options.batch = batch;
  exploration_options.seed = config.fit.seed;

  std::vector<Place> stages;
  stages.push_back(modes(target, modes_options));
  stages.push_back(polish(target, polish_options));
  stages.push_back(exploration(target, exploration_options));
  add_quadrature(config, problem, stages);
  stages.push_back(last_stage(config, target, family));
  return Program(std::move(stages));
}

}  // namespace vfe
