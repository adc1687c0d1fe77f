#pragma once
#include "vfe/core/slot.hpp"
#include "vfe/family/affine.hpp"
#include "vfe/infer/left.hpp"

/// What importance sampling has drawn in R rounds, N draws, of which n are evaluated: what weighted_pool()
/// reads.
namespace vfe::pool {

inline const Slot<Affine> whitening{"pool_whitening"};      ///< of q
inline const Slot<Matrix> theta{"pool_theta"};              ///< d x N; a round as soon as it is drawn
inline const Slot<Matrix> log_density{"pool_log_density"};  ///< 1 x N, of each under its own round's proposal
inline const Slot<Matrix> gradient{"pool_gradient"};        ///< d x n
inline const Slot<Matrix> log_joint{"pool_log_joint"};      ///< 1 x n
inline const Slot<Matrix> draws{"pool_draws"};              ///< 1 x R, of each round

}  // namespace vfe::pool
