#pragma once
#include <vector>

#include "vfe/core/types.hpp"

namespace vfe {

/// Draws, one a column, and what is known of each; what is not known is empty. `Columns` is `Matrix`, or a
/// reference to one that someone else keeps: gradients and points may be most of the memory of a fit.
template <class Columns>
struct DrawsIn {
  Columns theta;             ///< d x N, unconstrained
  Columns gradient;          ///< d x N, of log f with respect to theta
  Vector log_joint = {};     ///< N, log f [nats]; -infinity outside the support
  Vector log_proposal = {};  ///< N [nats], density that each was drawn from
  Vector log_weight = {};    ///< N [nats], normalised or not; -infinity: does not count. Empty: all alike
  std::vector<Index> group = {};  ///< N, any numbers: groups are independent. Empty: every draw is

  Index size() const { return theta.cols(); }  ///< N
};

/// References, of no use when what they refer to has changed. Copying it copies no matrix.
using Draws = DrawsIn<const Matrix&>;
using OwnedDraws = DrawsIn<Matrix>;

inline Draws view(const OwnedDraws& own) {
  return {own.theta, own.gradient, own.log_joint, own.log_proposal, own.log_weight, own.group};
}

/// Those draws alone, in that order.
OwnedDraws select(const Draws& draws, const std::vector<Index>& chosen);

/// Adds draws behind others. What is not known of both is forgotten.
void append(OwnedDraws& kept, const Draws& more);

}  // namespace vfe
