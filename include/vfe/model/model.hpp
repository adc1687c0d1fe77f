#pragma once
#include <memory>

#include "vfe/core/parameters.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// A Bayesian model and one rank's shard of its data; knows no MPI. S draws at once: theta is d x S, value S,
/// grad d x S (or d x 0: values only). Log densities in nats with all constants, Jacobian included.
class Model {
 public:
  virtual ~Model() = default;
  virtual const Parameters& parameters() const = 0;
  /// Number of blocks in this shard, numbered from 0.
  virtual Index blocks() const = 0;
  /// Number of rows of a block (for rates and for naming a bad row).
  virtual Index rows(Index block) const = 0;
  /// Adds log prior and log Jacobian, and their gradient.
  virtual void log_prior(ConstMat theta, Vec value, Mat grad) const = 0;
  /// Adds the log likelihood of a block and its gradient. A draw's result must not depend on the other draws.
  /// Thread-safe. A value that cannot be computed is NaN (the caller counts and names it), never an
  /// exception.
  virtual void log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const = 0;
  /// Sets value[r] = log likelihood of row r of the block at one theta.
  virtual void log_likelihood_rows(Index block, ConstVec theta, Vec value) const = 0;
};

}  // namespace vfe
