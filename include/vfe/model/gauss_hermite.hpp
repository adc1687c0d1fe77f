#pragma once
#include "vfe/core/types.hpp"

namespace vfe {

/// Gauss and Hermite's rule for a standard normal z of k coordinates, the product of one rule for each: with
/// n nodes the mean of a polynomial of degree 2 n - 1 in each coordinate is exact.
struct GaussHermite {
  Matrix nodes;  ///< k x n^k; the centre first, where n is odd
  /// Of each node: log of its weight, plus half of its squared length: what a density is to be multiplied by
  /// so that the sum is its integral, less k/2 log 2 pi.
  Vector log_weights;
};

/// n from 1 to 103, the nodes by the eigenvalues of the recurrence (Golub and Welsch 1969).
GaussHermite gauss_hermite(Index n, Index k);

}  // namespace vfe
