#pragma once
#include "vfe/core/random.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/gauss_hermite.hpp"
#include "vfe/model/local_model.hpp"

namespace vfe {

/// Of the effects of a block's groups given theta, as users see them. NaN, all of them, where no mode is
/// found.
struct LocalMoments {
  Matrix mean, variance;  ///< effects x groups
};

/// Nodes of each coordinate by which moments are taken, in every group.
constexpr Index moment_nodes = 9;

/// Exact for a quadratic model, else by the rule around each group's mode, spread as in Integrated; of groups
/// within outer ones by that rule for both.
LocalMoments local_moments(const LocalModel& model, Index block, ConstVec theta, const GaussHermite& rule);

/// One draw of the effects of a block's groups given theta, effects x groups, NaN where no mode is found: a
/// function of the address. Exact for a quadratic model; else one of candidates from a t around the mode,
/// chosen by their weights (Rubin 1987). Not of groups within outer ones.
Matrix draw_local_effects(const LocalModel& model, Index block, ConstVec theta, const Address& at);

}  // namespace vfe
