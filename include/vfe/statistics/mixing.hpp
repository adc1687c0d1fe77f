#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// What superchains say of each other: the worst over quantities, and which that is.
struct Mixing {
  double rhat = 1.0;  ///< largest rank-normalised nested R-hat; see rank_nested_rhat()
  Index rhat_at = 0;
  /// Largest standard errors of mean and sd over the quantity's sd, from the spread between superchains:
  /// honest whatever the correlation along a chain, and right only as far as R-hat is near 1.
  double mean_error = 0.0;
  Index mean_error_at = 0;
  double sd_error = 0.0;
  Index sd_error_at = 0;
  /// Largest correlation between neighbours in a chain, about the mean of all: above 0.5 longer trajectories
  /// pay.
  double lag_correlation = 0.0;
  Index lag_correlation_at = 0;
  Index quantities = 0;  ///< that vary
};

/// `values` are quantities x draws in the order of ChainDraws. A quantity that is constant over all draws is
/// passed over; one that is not finite somewhere has an infinite R-hat and errors.
Mixing mixing(ConstMat values, Index superchains, Index chains);

}  // namespace vfe
