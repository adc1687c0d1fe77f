#pragma once
#include <optional>
#include <string>

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
  Index draws_per_step = 16;  ///< in antithetic pairs: even
  std::string optimizer = "averaged_adam";
  std::optional<double> rate = {};  ///< fixed by hand: no automatic rate, runs for max_steps
  double first_rate = 0.1;          ///< of the automatic rule, in whitened coordinates
  Index max_steps = 20000;
  Gradient gradient = Gradient::path;
  std::uint64_t seed = 1;
};

/// Stage "stochastic": a first-order method on minibatches and fresh antithetic draws in the coordinates of
/// the base, with the automatic rate and stopping rule of Welandawe, Andersen, Vehtari and Huggins (2022,
/// arXiv 2203.15945): the rate is halved each time the averaged iterate has converged (split R-hat <= 1.1
/// over the best window, effective size >= 25, standard error over sd below 0.1, halved with the rate), until
/// the predicted gain is not worth its cost; then the last rate goes on until the average is known to 0.02 sd
/// in the means and 0.003 in everything else. Checked every 200 steps, on 1,000 coordinates of lambda at
/// most.
///
/// Needs what "polish" left; sets State::lambda, in theta's own coordinates, to the averaged iterate (renewed
/// every ten steps and more, as batches of iterates fill) and leaves left::converged. A step with draws that
/// are not finite is rolled back and counted; after 50 in a row throws Fault::numeric.
std::unique_ptr<Stage> stochastic(const Target& target, const Family& family,
                                  const StochasticOptions& options);

}  // namespace vfe
