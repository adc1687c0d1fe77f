#pragma once
#include <string>
#include <vector>

#include "vfe/model/model.hpp"
#include "vfe/statistics/moments.hpp"

namespace vfe {

/// Draws of which some parameters have the means and sds that were estimated better than by them.
struct MatchedDraws {
  Matrix theta;                    ///< d x S
  std::vector<std::string> names;  ///< of those parameters; without any, theta is as it was
};

/// Shifts and scales, entry by entry, every parameter that is real or within bounds and that no draw thereby
/// leaves, so that the draws' mean, and their sd with S - 1 as its divisor, are those of `moments`, which are
/// of the model's judged values. Correlations stay as they are, unless a real parameter is a sum of several
/// on the user's scale, as an intercept is: they are then changed so that this sum has its sd as well, if
/// that can be. A parameter with several entries is moved as a whole or not at all; what binds its entries
/// together (a simplex, an order) is left alone, and so is a parameter that the model shows transformed by
/// itself. Fewer than 100 draws are: a few draws made to have given moments are no draws any more.
MatchedDraws match_moments(const Model& model, const Moments& moments, const Matrix& theta);

}  // namespace vfe
