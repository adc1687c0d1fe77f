#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// True effects of groups, each drawn where a row of its group is: no table of them is held. Those of a group
/// are normal, of sd `scale` for an intercept and half of that for others, and with correlations of 0.3 where
/// the formula has any.
class SimulatedEffects {
 public:
  /// Of a design whose numbers are as they are. `levels`: of the columns that name groups.
  SimulatedEffects(const DesignSchema& schema, const std::map<std::string, Index>& levels, double scale,
                   std::uint64_t seed);

  /// Adds what they are worth in each row to its offset.
  void add_to(Rows& rows) const;
  /// "sd_g[intercept]", "sd_g[x]", "cor_g[intercept,x]", ...
  const std::vector<std::string>& names() const { return names_; }
  Vector truth() const { return Eigen::Map<const Vector>(truth_.data(), std::ssize(truth_)); }

 private:
  struct Grouping {
    GroupEffects of;
    std::vector<Index> counts;  ///< by key: of groups
    std::vector<Index> least;   ///< by key: the first group's
    Matrix factor;              ///< Cholesky factor of the covariance
  };
  std::vector<Grouping> groupings_;
  std::uint64_t seed_;
  std::vector<std::string> names_;
  std::vector<double> truth_;
};

}  // namespace vfe
