#pragma once
#include <string>

#include "vfe/family/affine.hpp"

namespace vfe {

/// Coordinates u = L^-1 (x - m) for chains to move in, and how they came about.
struct MetricChoice {
  std::string name;  ///< "kept", "diagonal", "Fisher"
  Affine metric;
  /// Estimate of E |L' grad log f + L^-1 (x - m)|^2, held out, at the best m: 0 for a Gaussian whose
  /// covariance is L L'.
  double divergence = 0.0;
};

/// Chooses by Fisher divergence between `metric` as it is, with new lengths of its axes, (var u / var
/// g_u)^1/4, and, if `dense`, with the A that solves A Cov(g_u) A = Cov(u), both covariances shrunk to I as
/// by 5 or by d draws more (g_u = L' grad log f). Candidates are fitted to the first half of the chains and
/// compared on the second; `metric` goes only for a gain of 2 %, the winner is then fitted to all, around
/// their mean. x and gradient are d x C T as in ChainDraws.
MetricChoice choose_metric(const Affine& metric, ConstMat x, ConstMat gradient, Index chains, bool dense);

}  // namespace vfe
