#pragma once
#include "statistics/stein.hpp"

/// What estimate_moments() makes of the draws it is given before it estimates anything.
namespace vfe {

/// The draws that count, sorted by fold, and their values, standardised. No `Draws`: not of theta, but of u.
struct PreparedDraws {
  stein::Design design;
  Matrix u;              ///< d x n, whitened
  Matrix gradient;       ///< d x n, of log f with respect to u
  Matrix z;              ///< P x n; 0 in the row of a constant
  Vector centre, scale;  ///< values = centre + scale z; scale is 0 for a constant, infinite beyond range
  Index non_finite = 0;
  double lost_weight = 0.0;
  bool enough = true;  ///< for errors to be estimated

  Index size() const { return design.size(); }
  bool varies(Index value) const { return scale(value) > 0.0 && std::isfinite(scale(value)); }
};

/// Throws as estimate_moments().
PreparedDraws prepare(const Draws& draws, ConstMat values, const Affine& whitening,
                      const std::vector<Index>& coordinate);

/// Quantiles of weighted numbers: the inverse of the distribution function that is linear between numbers,
/// each being the quantile at the weight below it and half of its own.
class WeightedQuantiles {
 public:
  WeightedQuantiles(ConstVec values, ConstVec weight);
  double at(double probability) const;  ///< the smallest or largest number beyond the ends

 private:
  Vector sorted_, probability_;
};

}  // namespace vfe
