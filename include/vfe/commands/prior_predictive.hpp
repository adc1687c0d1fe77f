#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"

namespace vfe {

struct PriorOptions {
  std::filesystem::path output;
  Index draws = 400;
  Index most_rows = 2000;  ///< in whole blocks, at equal distances; at least one block
};

/// What responses the priors expect, beside those observed: quantiles of both, over rows and draws.
struct PriorReport {
  Index rows = 0, draws = 0;
  std::vector<double> probabilities;                     ///< of the quantiles
  std::vector<double> expected, observed;                ///< of a factor the codes of its levels
  std::vector<std::string> levels;                       ///< of a response that is a factor ...
  std::vector<double> expected_shares, observed_shares;  ///< ... of each level
};

/// [collective] Draws parameters from the prior of a likelihood's configuration and responses from these, for
/// some rows of its dataset; fits nothing. Rank 0 writes a file for ArviZ: groups "prior", with the
/// parameters on the user's scale too, "prior_predictive" and "observed_data". The same bits on any number of
/// ranks. Throws as Problem; Fault::usage for a model that cannot draw from its prior.
PriorReport draw_prior(const Communicator& comm, const Config& config, const PriorOptions& options);

/// The report in plain lines.
std::string to_text(const PriorReport& report);

}  // namespace vfe
