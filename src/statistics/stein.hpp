#pragma once
#include <functional>
#include <vector>

#include "vfe/statistics/moments.hpp"

/// Stein features and the regressions on them: what estimate_moments() is made of. Draws are columns.
namespace vfe::stein {

/// Of a set, over all values for "quadratic" and "cubic", for each value for "own".
Index num_features(ControlVariates set, Index d);

/// Sets the features of the draws with whitened coordinates u and gradients g, both d x S; `set` is quadratic
/// or cubic.
void polynomials(ControlVariates set, ConstMat u, ConstMat g, Mat features);
/// Sets the three of one direction, given u and g along it.
void powers(ConstVec u, ConstVec g, Mat features);

/// How draws are weighted, which of them depend on each other, and how they are divided.
struct Design {
  Vector weight;                  ///< sum 1
  std::vector<Index> group;       ///< 0 .. num_groups - 1 for each draw; empty: each is its own
  Index num_groups = 0;           ///< the number of draws if group is empty
  std::vector<Index> fold_begin;  ///< first draw of every fold, then the number of draws
  Index size() const { return weight.size(); }
};

/// Of the rows of a matrix.
struct Means {
  Vector value, error;
};

/// Weighted means with standard errors.
Means weighted_means(const Design& design, ConstMat rows);

/// Sets the features of draws first .. first + features.cols() - 1.
using Features = std::function<void(Index first, Mat features)>;

struct Regressed {
  Means means;
  Vector deviation;  ///< |mean| / standard error of each feature; infinite for a constant that is not 0
};
/// The means of the rows after regression, cross-fitted over the folds, on `count` features of mean zero.
/// Errors are infinite where the features cannot be regressed on.
Regressed regress(const Design& design, Index count, const Features& features, ConstMat rows);

/// What the largest of `count` deviations stays below with probability 0.999 at least: the upper quantile at
/// 0.0005 / count of the normal distribution, or of Student's with num_groups - 1 degrees of freedom if draws
/// are grouped.
double deviation_limit(Index count, const Design& design);

}  // namespace vfe::stein
