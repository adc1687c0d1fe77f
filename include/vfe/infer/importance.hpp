#pragma once
#include <functional>
#include <string>

#include "vfe/family/proposal.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What importance sampling has drawn, of all rounds together. References into State::memory.
struct WeightedPool {
  const Matrix& theta;      ///< d x N
  const Matrix& gradient;   ///< d x N, of log f
  const Matrix& log_joint;  ///< 1 x N, log f [nats]; -infinity outside the support
  /// N [nats], of the draws' own mixture: all rounds' proposals, each in proportion to its draws (the
  /// deterministic mixture of Veach and Guibas 1995).
  Vector log_proposal;
  Affine whitening;  ///< of q, the normal that sampling began from
  Index rounds = 0;

  Vector log_weight() const { return log_joint.row(0).transpose() - log_proposal; }  ///< [nats]
};

/// What a rule says of the pool after a round.
struct PoolCheck {
  bool enough = false;  ///< no more draws are needed
  double khat = 0.0;    ///< of the weights
  double ess = 0.0;     ///< 1 / sum w^2 of the normalised weights
  /// Largest squared standard error over its limit: how many times as many draws would do.
  double shortfall = 0.0;
  std::string note;
};
using PoolRule = std::function<PoolCheck(const WeightedPool&)>;

struct ImportanceOptions {
  Minibatch batch = {};   ///< all blocks; a part of them would give another posterior
  Index first_draws = 0;  ///< of the first round; 0: by dimension, max(1024, 2.5 d (d + 3) / 2 rounded up to
                          ///< a power of two), at most 4,096
  Index max_rounds = 8;
  Index max_draws = 60'000;
  double probes = 0.15;    ///< share of the wide t's, in three equal parts; 0 above 30 dimensions
  Index most_flow = 60;    ///< dimension up to which a flow is fitted between rounds
  double hopeless = 0.08;  ///< share of effective draws below which rounds after the first end
  PoolRule rule = {};      ///< pool_rule() of verdict/certificate, say; empty: one round
  std::uint64_t seed = 1;
};

/// Stage "importance": draws from a mixture and their weights and gradients, in rounds, between which the
/// mixture is fitted to the weighted draws (no gradients are spent on that): a flow where there is one mode,
/// else Student t's. ... Needs State::lambda, a normal q, and what found_modes() reads. Leaves what
/// weighted_pool() reads and "importance_enough" (1 x 1: whether the rule was satisfied).
std::unique_ptr<Stage> importance(const Target& target, const ImportanceOptions& options);

/// The first round's proposal: q with tails of nu = max(7, d), each other mode with its share (at least 5 %),
/// probes.
Proposal first_proposal(const State& state, const ImportanceOptions& options);

WeightedPool weighted_pool(const State& state);

}  // namespace vfe
