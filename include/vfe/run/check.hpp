#pragma once
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/run/config.hpp"

namespace vfe {

struct CheckReport {
  double worst = 0.0;  ///< largest difference found, in units of what rounding and curvature allow: below 1
  std::vector<std::string> lines;  ///< what was checked, for people
};

/// [collective] Opens and reads the data, builds the model, and compares the gradient of its log density with
/// differences in random directions at a few points. Fits nothing, writes nothing. Throws as Problem does;
/// Fault::numeric where the density is not finite; Fault::bug where a gradient is wrong.
CheckReport check(const Communicator& comm, const Config& config);

}  // namespace vfe
