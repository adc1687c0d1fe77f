#pragma once
#include <Eigen/Core>

namespace vfe {

/// The derivative, symmetric, by W = C C' of the log of a rule whose nodes are z = mode + C'^-1 x, less log
/// det C: given the sum over nodes of x times the share-weighted slope' at z, and C'^-1. Backwards through
/// the factorisation as in Murray (2016), from dC'^-1 = -C'^-1 dC' C'^-1.
template <class Square>
Square scale_gradient(const Square& products, const Square& inverse) {
  // C' times the derivative by C: lower triangle of -(products C'^-1) - 1, half of its diagonal.
  Square inner = -products * inverse;
  inner.diagonal().array() -= 1.0;
  inner.template triangularView<Eigen::StrictlyUpper>().setZero();
  inner.diagonal() *= 0.5;
  const Square weight = inverse * inner * inverse.transpose();
  return 0.5 * (weight + weight.transpose());
}

}  // namespace vfe
