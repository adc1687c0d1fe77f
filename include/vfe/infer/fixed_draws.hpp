#pragma once
#include "vfe/family/family.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/objective/free_energy.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct FixedDrawsOptions {
  Index draws = 0;  ///< even; 0 = num_fixed_draws
  Index history = 20;
  Index max_iterations = 200;
  double tolerance = 1e-3;  ///< on the Newton decrement [nats]
  std::uint64_t seed = 1;
};

/// Stage "fixed_draws": minimises the free energy at fixed whitened draws by L-BFGS in the coordinates of the
/// base (sample average approximation; exact for a Gaussian target). Needs what "polish" left; sets
/// State::lambda, in theta's own coordinates, and leaves left::converged. A q with
/// draws outside the support is first shrunk by e^-0.35, up to 20 times; then throws Fault::numeric.
std::unique_ptr<Stage> fixed_draws(const Target& target, const Family& family,
                                   const FixedDrawsOptions& options);

/// The number of draws for a dimension and family.
Index num_fixed_draws(const Family& family);

}  // namespace vfe
