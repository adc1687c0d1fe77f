#pragma once
#include <optional>

#include "vfe/family/family.hpp"
#include "vfe/infer/optimizer.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/objective/free_energy.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// Systematic minibatches: with m = stride offsets an epoch takes every block once, in a seeded order of the
/// offsets that is new in every epoch.
Minibatch minibatch(std::uint64_t step, Index num_blocks, Index blocks_per_step, std::uint64_t seed);

struct StochasticOptions {
  Index blocks_per_step = 64;
  Index draws_per_step = 16;
  std::string optimizer = "averaged_adam";
  std::optional<double> rate;  ///< fixed by hand: no automatic rate, runs for max_steps
  double first_rate = 0.1;     ///< of the automatic rule, in whitened coordinates
  Index max_steps = 20000;
  Gradient gradient = Gradient::path;
  std::uint64_t seed = 1;
};

/// Stage "stochastic": Adam on minibatches and fresh draws in the coordinates of the base, with the automatic
/// rate and stopping rule of Welandawe, Andersen, Vehtari and Huggins (2022): the rate is halved each time
/// the averaged iterate has converged, until the predicted gain is not worth its cost. Needs what "polish"
/// left; sets State::lambda (the averaged iterate, in theta's own coordinates) at every step.
std::unique_ptr<Stage> stochastic(const Target& target, const Family& family,
                                  const StochasticOptions& options);

}  // namespace vfe
