#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <numbers>
#include <string>

#include "vfe/family/affine.hpp"
#include "vfe/family/family.hpp"
#include "vfe/family/flow.hpp"
#include "vfe/infer/regimes.hpp"
#include "vfe/infer/stage.hpp"
#include "vfe/infer/symmetry.hpp"
#include "vfe/statistics/draws.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What chains have kept: column t C + c belongs to iteration t of chain c of C; the chains of a superchain
/// stand next to each other. References into the state.
struct ChainDraws : Draws {
  Index superchains = 0;
  Index chains = 0;            ///< C, of all superchains
  Affine metric;               ///< the last one; of chains in the noise of a flow: the flow's base
  Symmetries symmetries = {};  ///< of the density: what a draw says, its images say as well
  Index copies = 1;            ///< columns that are images of one draw, as neighbours in its chain
  Matrix modes = {};           ///< d x K, of left::found_modes
  Index iterations() const { return theta.cols() / chains / copies; }  ///< T
};

/// Whether chains have run long enough, and why.
struct ChainCheck {
  bool enough = false;
  /// Neighbours in a chain are too much alike. Trajectories become twice as long, at most 2 pi; not again
  /// before as many iterations are kept as there were.
  bool lengthen = false;
  bool hopeless = false;  ///< more iterations would not help: the stage ends
  /// How many times as many iterations would do, as far as that can be said.
  double shortfall = std::numeric_limits<double>::infinity();
  std::string note;
};
using ChainRule = std::function<ChainCheck(const ChainDraws&)>;

struct ChainsOptions {
  /// Of the stage and of its slots. Chains of different names have different random numbers.
  std::string name = "chains";
  Minibatch batch = {};  ///< all blocks; a part of them would give another posterior
  Index superchains = 32;
  Index chains_per_superchain = 2;
  /// Mean length of a trajectory in units of the metric, pi/2 being a quarter of a Gaussian's period: longer
  /// where neighbours in a chain are correlated.
  double trajectory = 0.5 * std::numbers::pi;
  Index max_leapfrogs = 64;                           ///< of a trajectory
  Index warm_up_blocks = 3, warm_up_iterations = 10;  ///< of a block; the metric is chosen between blocks
  double acceptance = 0.8;                            ///< aimed at
  Index most_dense =
      regimes::dense;      ///< dimension up to which a metric with correlations is fitted to the draws
  ChainRule rule = {};     ///< chain_rule(), say; empty: the chains run into a limit
  Index first_check = 16;  ///< iterations kept; later ones after 30 % more each
  Index max_iterations = 600;
  std::uint64_t max_gradients = 500'000;  ///< of the stage, of all chains
  /// The limit instead, where the rule's shortfall says that the chains will be done by then.
  std::uint64_t max_gradients_in_sight = 0;
  Index calls_per_advance = 8;  ///< leapfrog steps a kill can lose; the bits do not depend on it
  std::uint64_t seed = 1;
};

/// Chains in lockstep, one batched call a leapfrog step (Hoffman and Sountsov 2022; Margossian et al. 2024),
/// that move as unit velocities do which gradients turn but do not speed up, with a Metropolis step at the
/// end of each trajectory (MAMS; Robnik, Cohn-Gordon and Seljak 2025). All have the step size, the number of
/// steps and the metric in common. The step is adapted in warm-up by dual averaging of (mean + harmonic mean)
/// / 2 of the chains' acceptance: with the mean alone chains stay stuck where the posterior is narrow. The
/// metric is kept, rescaled or replaced, whichever has the smallest Fisher divergence on the half of the
/// chains it was not fitted to.
///
/// Needs what place_chains() wrote, or else what "polish" left, around which it then draws its starts. A
/// start that is not finite is moved half of the way to the metric's centre, up to 20 times; then throws
/// Fault::numeric. Does not touch State::lambda. Leaves what chain_draws() and chains_summary() read: that is
/// 16 d C bytes an iteration, in the state and in every checkpoint (d = 2,000, 64 chains, 100 iterations: 205
/// MB). Records: free_energy is the mean of -log f, rate the step size, non_finite the trajectories that left
/// the support.
std::unique_ptr<Stage> chains(const Target& target, const ChainsOptions& options);

/// Puts the metric (chains move in u, theta = shift + scale u) and the starts where the stage of that name
/// will find them: d x C, the chains of a superchain next to each other and equal, or nested R-hat loses its
/// meaning.
void place_chains(State& state, const Affine& metric, ConstMat starts, const std::string& name = "chains");
/// The same for chains that move in the noise of a flow (Hoffman et al. 2019), where a posterior that the
/// flow has learned is nearly a standard normal: the metric starts as I there. Starts, and all that is kept,
/// are of theta.
void place_chains(State& state, const Flow& flow, ConstMat starts, const std::string& name = "chains");

/// Starts for `superchains` x `chains_per_superchain` chains: a draw of q for each superchain.
Matrix superchain_starts(const Family& family, ConstVec lambda, Index superchains,
                         Index chains_per_superchain, std::uint64_t seed);
/// The same for points that are there already: superchain k starts at column k modulo their number.
Matrix superchain_starts(ConstMat points, Index superchains, Index chains_per_superchain);

/// What the stage has kept so far.
ChainDraws chain_draws(const State& state, const std::string& name = "chains");
/// Where the first chain of each superchain is now: d x superchains, starts for further chains. Throws
/// Fault::bug if nothing has been kept.
Matrix last_points(const ChainDraws& draws);
/// A flow for further chains to move in, fitted to the draws, to 8,192 of them where there are more: seconds
/// up to d = 60; see fit_flow(). It reaches beyond all draws, for where it ends chains diverge. Throws
/// Fault::bug if nothing has been kept.
Flow flow_of_chains(const ChainDraws& draws);
/// Removes all that chains of that name keep.
void drop_chains(State& state, const std::string& name = "chains");

struct ChainsSummary {
  Index iterations = 0;                 ///< kept
  double step = 0.0;                    ///< size of a leapfrog step, in units of the metric
  double trajectory = 0.0;              ///< mean length in the same units, after all lengthening
  std::uint64_t calls = 0;              ///< of the target: gradients in sequence
  std::uint64_t gradients = 0;          ///< of all chains
  std::uint64_t gradients_warm_up = 0;  ///< of these, in warm-up
  /// Trajectories whose energy error passed 1000, or that left the support. One of them in sampling says that
  /// the chains missed a part of the posterior.
  Index divergences_warm_up = 0, divergences = 0;
  double acceptance = 0.0;  ///< mean over the iterations kept
  bool enough = false;      ///< the rule was satisfied; else the chains ran into a limit, or are not done
  bool hopeless = false;    ///< the rule ended them
  bool in_sight = false;    ///< by the last check they would soon have been done
};
ChainsSummary chains_summary(const State& state, const std::string& name = "chains");

}  // namespace vfe
