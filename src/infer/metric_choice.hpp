#pragma once
#include <string>

#include "vfe/core/types.hpp"

namespace vfe {

/// A scale L of coordinates u = L^-1 (theta - m), as in Affine, and how it came about.
struct MetricChoice {
  std::string name;  ///< "kept", "diagonal", "Fisher"
  Matrix scale;      ///< d x 1 or d x d lower
  /// Estimate of E |L' grad log f + L^-1 (theta - m)|^2, held out, at the best m: 0 for a Gaussian whose
  /// covariance is L L'.
  double divergence = 0.0;
};

/// Chooses by Fisher divergence between `scale` as it is, with new lengths of its axes, (var u / var
/// g_u)^1/4, and, if `dense`, with the A that solves A Cov(g_u) A = Cov(u), both covariances shrunk to I as
/// by 5 or by d draws more (g_u = L' grad log f). Candidates are fitted to the first half of the chains and
/// compared on the second; `scale` goes only for a gain of 2 %, the winner is then fitted to all. theta and
/// gradient are d x C T as in ChainDraws.
MetricChoice choose_metric(ConstMat scale, ConstMat theta, ConstMat gradient, Index chains, bool dense);

}  // namespace vfe
