#pragma once
#include "vfe/infer/chains.hpp"
#include "vfe/statistics/mixing.hpp"
#include "vfe/statistics/rhat.hpp"

namespace vfe {

struct MixingLimits {
  double mean_error = 0.02;
  double sd_error = 0.0125;
};

/// A rule for chains that needs no values to judge: R-hat and errors of every coordinate below the limits.
inline ChainRule mixing_rule(const MixingLimits& limits) {
  return [limits](const ChainDraws& draws) {
    const Mixing found = mixing(draws.theta, draws.superchains, draws.chains);
    return ChainCheck{.enough = found.rhat < nested_rhat_limit(draws.superchains, found.quantities) &&
                                found.mean_error <= limits.mean_error && found.sd_error <= limits.sd_error};
  };
}

}  // namespace vfe
