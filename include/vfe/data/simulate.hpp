#pragma once
#include <filesystem>
#include <map>
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/table.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

struct SimulateOptions {
  std::filesystem::path output;
  Likelihood likelihood = Likelihood::logistic;
  std::string formula;                  ///< empty: y by x1, x2, ...
  std::map<std::string, Index> levels;  ///< of the columns of the formula that are factors or name groups
  Index rows = 1000, columns = 10, classes = 3;
  /// Sd of the true coefficients times the root of their number; at most 3 where the response counts.
  double effect = 0.5;
  Index block_rows = 0;  ///< 0 = default_block_rows()
  bool single = true;
  std::uint64_t seed = 1;
};

/// [collective] Writes a dataset simulated from a model with a known truth (stored in the file): standard
/// normal columns x1, x2, ..., or those that a formula names, of which some may be factors whose levels a, b,
/// ... are as frequent; those within trials() are whole numbers from 1 to 20. True coefficients are normal(0,
/// effect / root of their number), of columns as they are; intercepts normal(0, 1/2), about 1 where the
/// response counts; sigma 1, nu 5, overdispersion 1/2. A response of classes is a factor of the levels 0, 1,
/// ...
///
/// Effects of groups are normal with sds of 1 for intercepts and 1/2 for others, half of that where the mean
/// is an exponential, and correlations of 0.3. Rows stand in the groups of the grouping that has most, of
/// sizes from a half to one and a half of the mean, and in these in those of groupings inside it; what else
/// names groups is drawn row by row, each as frequent. A column that does nothing but name more than 1,000
/// groups is of whole numbers 1, 2, ... No table of groups is held.
///
/// Blocks are computed by all ranks and written by rank 0; the file's contents do not depend on the
/// number of ranks. Returns the schema on every rank. Throws Fault::usage, Fault::config (the formula),
/// Fault::cannot_create, Fault::io.
DatasetSchema simulate(const Communicator& comm, const SimulateOptions& options);

}  // namespace vfe
