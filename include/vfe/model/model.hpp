#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/prediction.hpp"

namespace vfe {

/// How far from 0 a start lies in coordinates that nothing bounds: within (-2, 2), or (-6, 6) and the prior.
enum class Reach { near, far };
double radius(Reach reach);

/// What ranks share out of a model.
enum class Spread {
  /// Each rank holds a run of consecutive blocks, in the order of the ranks, and no two ranks hold the same
  /// rows, which would count twice. Target refuses such ranks where the models know their place in the
  /// dataset (Model::first_block()); of a function it cannot tell: there it is the program's to see to.
  blocks,
  /// Every rank holds all blocks, and takes a share of the draws of each call.
  draws,
};

/// The blocks of a minibatch that a shard holds, in the model's numbers.
struct BatchBlocks {
  Index first = 0, stride = 1, count = 0;
  Index operator[](Index k) const { return first + k * stride; }
};

class LikelihoodSums;

/// A Bayesian model and one rank's shard of its data; knows no MPI. S draws at once: theta is d x S, value S,
/// grad d x S (or d x 0: values only). Log densities in nats with all constants, Jacobian included.
class Model {
 public:
  virtual ~Model() = default;
  virtual const Parameters& parameters() const = 0;
  /// What of it this rank holds.
  virtual Spread spread() const;
  /// Number of blocks in this shard, numbered from 0.
  virtual Index blocks() const = 0;
  /// Number of rows of a block (for rates and for naming a bad row).
  virtual Index rows(Index block) const = 0;
  /// Where the shard begins in the dataset, in blocks; -1 of a model that does not know.
  virtual Index first_block() const;
  /// Adds log prior and log Jacobian, and their gradient.
  virtual void log_prior(ConstMat theta, Vec value, Mat grad) const = 0;
  /// Adds the log likelihood of a block and its gradient. A draw's result must not depend on the other draws.
  /// Thread-safe. A value that cannot be computed is NaN (the caller counts and names it), never an
  /// exception.
  virtual void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const = 0;
  /// Adds log likelihoods of blocks and, if wanted, their gradients to exact sums, at the draws (columns of
  /// theta) that the sums say are this rank's. As it is: block by block by log_likelihood(), the blocks
  /// shared out among threads (or the draws, of a model on every rank), an exception kept with its block. To
  /// be overridden by a model that adds up its blocks by itself, on a device for instance; the sums are
  /// integers, so that in whatever order it adds the same values, the bits are the same.
  virtual void add_likelihood(const BatchBlocks& blocks, ConstMat theta, LikelihoodSums& sums) const;
  /// Sets value[r] = log likelihood of row r of the block at one theta; false where the model cannot tell its
  /// rows apart.
  virtual bool log_likelihood_rows(Index block, ConstVec theta, Vec value) const;
  /// The log prior densities that it can tell, by the names and shapes of what they are of: of each entry of
  /// the parameters where these are independent, else of all together. None where it does not tell a prior
  /// from a likelihood.
  virtual std::vector<Parameter> log_prior_terms() const;
  /// Sets their values (a column per draw; concatenated), as densities of the constrained parameters: their
  /// sum is log_prior() less the log Jacobian.
  virtual void compute_log_prior_terms(ConstMat theta, Mat values) const;
  /// Why the density of a block (-1: the prior) cannot be computed at theta, in the words of what computes
  /// it; empty where it has none.
  virtual std::string explain(Index block, ConstVec theta) const;

  /// A point for a search of modes to start from, drawn at `at`, the same on every rank: anywhere in the
  /// domain where that is bounded; elsewhere near 0 in theta, or far out: from the prior, where the model can
  /// draw from it.
  virtual Vector draw_start(const Address& at, Reach reach) const;

  /// Whether some parameter is positive, as scales are: advice on scales is for models that have them.
  virtual bool has_scales() const;

  /// What a result holds of each draw, in its order: the parameters, unless a model has more to say.
  virtual const std::vector<Parameter>& quantities() const;
  /// Entries of the quantities, the first ones, by whose moments a fit is judged beside those of theta: all,
  /// unless some are simulated.
  virtual Index num_judged() const;
  /// Sets their values (a column per draw; concatenated, each row-major) at theta, d x S. Random ones are a
  /// function of seed and draw number, first_draw + s. What cannot be computed is NaN.
  virtual void compute_quantities(ConstMat theta, std::uint64_t seed, std::uint32_t first_draw,
                                  Mat values) const;

  /// Responses of the rows of a block at theta, d x S; those observed are judged only if `observed`. What is
  /// simulated is a function of the seed and purpose of `first`, draw number first.draw + s, and the row.
  /// Nothing where the model cannot predict.
  virtual std::optional<Prediction> predict(Index block, ConstMat theta, const Address& first,
                                            bool observed) const;
};

}  // namespace vfe
