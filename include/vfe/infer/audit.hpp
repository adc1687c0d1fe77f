#pragma once
#include <functional>
#include <string>

#include "vfe/infer/chains.hpp"
#include "vfe/infer/importance.hpp"

namespace vfe {

/// In words, what short chains say otherwise than a weighted pool; empty if they agree.
using AuditRule = std::function<std::string(const WeightedPool&, const ChainDraws&)>;

struct AuditOptions {
  std::string name = "audit";  ///< of the stage, and of the chains
  Minibatch batch = {};
  Index chains = 48;
  Index warm_up_iterations = 6, iterations = 8;
  AuditRule rule = {};  ///< empty: nothing is objected to
  std::uint64_t seed = 1;
};

/// Stage "audit": short Markov chains that begin where importance sampling says the posterior is, and in
/// twice as wide a place, must agree with what it says of the moments: weights can look good over a part of
/// the posterior. Needs what weighted_pool() reads and starts placed under its name (see place_chains());
/// keeps none of its draws. Leaves left::audited.
std::unique_ptr<Stage> audit(const Target& target, const AuditOptions& options);

}  // namespace vfe
