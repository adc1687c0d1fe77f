#pragma once
#include <functional>
#include <string>

#include "vfe/family/proposal.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/statistics/draws.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What importance sampling has drawn, of all rounds together. References into the state, so of no use
/// after the next step. `log_proposal` is of each draw under its own round's proposal, less the log of how
/// much that round counts: its draws count once in the first, twice in the second, and so on, divided by
/// their mean (Owen and Zhou 2020); +infinity, not at all, where a later round had more than twice its share
/// of effective draws, for a first proposal that misses a tail would spoil all. The mean of the weights, log
/// f less it, is then the evidence, without a bias. Under the mixture of all rounds (Veach and Guibas 1995)
/// it was up to 8 standard errors too low, and sds 1 % too small (d = 26): later proposals are fitted to the
/// draws of earlier rounds, and too dense just there. +infinity for a draw too far out to have a density.
struct WeightedPool : Draws {
  Affine whitening;  ///< of q, the normal that sampling began from
  Index rounds = 0;
  /// Of the density: the draws lie in one copy, the proposals' densities are those of all copies together.
  Symmetries symmetries = {};
  Matrix modes = {};  ///< d x K, of left::found_modes
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
  std::string name = "importance";  ///< of the stage
  Minibatch batch = {};             ///< all blocks; a part of them would give another posterior
  /// Of the first round; 0: by dimension, 2.5 d (d + 3) / 2 rounded up to a power of two, at least 1,024 and
  /// at most 4,096.
  Index first_draws = 0;
  Index max_rounds = 8;
  Index max_rounds_of_one_mode = 8;  ///< where there is one mode, and fits between rounds take longest
  Index max_draws = 60'000;
  /// Draws in all beyond which, by what the rule finds missing, other ways are cheaper: no more rounds
  /// follow, from the third on.
  Index worthwhile = 36'000;
  double probes = 0.15;  ///< share of the wide t's, in three equal parts; 0 above 30 dimensions
  Index most_flow = regimes::dense_fit;  ///< dimension up to which a flow is fitted between rounds
  /// Share of effective draws below which no more rounds follow: from the second round on, so that the fit
  /// has had its chance; above most_flow dimensions, where it can do little, from the first.
  double hopeless = 0.08;
  PoolRule rule = {};  ///< pool_rule() of verdict/certificate, say; empty: one round
  std::uint64_t seed = 1;
};

/// Stage "importance": draws from a mixture, their weights and gradients, in rounds. Between these a mixture
/// is fitted to the weighted draws, which costs time but no gradients: flows where there is one mode, else
/// Student t's. It makes four fifths of the next proposal; the rest stays with what the first round drew
/// from. A round has as many draws as the rule finds missing, or twice those of the round before where k-hat
/// or the effective draws say that this cannot be known yet; at least 1,024. A step is one call with up to
/// 256 draws and, at the end of a round, the rule and the fit.
///
/// One round must do where exploration's search for modes has not ended: no certificate will come of it.
///
/// Needs State::lambda, a normal q, and left::found_modes; touches neither. Leaves what weighted_pool() reads
/// and left::importance_enough. The pool takes 16 d
/// + 16 bytes a draw, in the state and in every checkpoint. Fits take (d = 10, 26, 60; 4,096
/// draws; two flows, one core) 2, 5 and 14 s, twice that with the 8,192 draws that they are given at most.
/// Records: free_energy is minus the log of the mean weight, an estimate of minus the log evidence, of the
/// step's draws alone and, where a round ends, of the pool; too high where a mode or a tail is missed. Ends,
/// not enough, where no draw has a finite density. Throws Fault::numeric if q cannot be drawn
/// from, Fault::bug if options make no sense.
std::unique_ptr<Stage> importance(const Target& target, const ImportanceOptions& options);

/// The first round's proposal: q, and each other mode by its Laplace approximation, with tails of nu = max(7,
/// d) degrees of freedom and the modes' shares (at least 5 %); t's with 5 degrees of freedom, 2, 4 and 10
/// times as wide as q. q stands for the mode nearest to it.
Proposal first_proposal(const State& state, const ImportanceOptions& options);

/// What the stage has drawn, at the end of a round or after its last step.
WeightedPool weighted_pool(const State& state);

}  // namespace vfe
