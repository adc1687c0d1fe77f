#pragma once
#include <filesystem>
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

struct SimulateOptions {
  std::filesystem::path output;
  Likelihood likelihood = Likelihood::logistic;
  Index rows = 1000, columns = 10, classes = 3;
  /// Sd of the true coefficients times sqrt(columns); at most 3 where the response counts.
  double effect = 0.5;
  Index block_rows = 0;  ///< 0 = default_block_rows()
  bool single = true;
  std::uint64_t seed = 1;
};

/// [collective] Writes a dataset simulated from a model with a known truth (stored in the file): standard
/// normal columns x1, x2, ...; true coefficients normal(0, effect / sqrt(columns)), intercepts normal(0,
/// 1/2), about 1 where the response counts; sigma 1, nu 5, overdispersion 1/2. Nothing is standardised.
/// Blocks are computed by all ranks and written by rank 0; the file's contents do not depend on the number of
/// ranks. Returns the schema on every rank. Throws Fault::usage, Fault::cannot_create, Fault::io.
Schema simulate(const Communicator& comm, const SimulateOptions& options);

}  // namespace vfe
