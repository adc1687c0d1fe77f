#pragma once
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"

namespace vfe {

struct CheckReport {
  double worst = 0.0;  ///< largest difference found, in units of what rounding and curvature allow: below 1
  std::vector<std::string> lines;  ///< what was checked, for people
};

/// [collective] Loads data and model, compares the gradient of its log density with central differences in
/// random directions at a few points, and the blocks of a Stan program in shards with the program on all rows
/// (of a dataset, on its first 20,000 or so). Fits nothing, writes nothing. Throws as Problem does;
/// Fault::numeric where the density is not finite; Fault::data where a gradient is wrong (the worst
/// parameter named) or blocks do not sum to the whole (the variable that breaks it named).
CheckReport check(const Communicator& comm, const Config& config);

}  // namespace vfe
