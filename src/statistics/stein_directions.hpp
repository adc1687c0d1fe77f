#pragma once
#include <utility>
#include <vector>

#include "statistics/prepared_draws.hpp"

namespace vfe {

/// The own direction of each value in whitened coordinates: that in which its coordinate of theta grows. For
/// a value without a coordinate, its regression on u; or, since a regression with few draws for each
/// coefficient fits their noise and hides errors, that of the coordinate it is most correlated with.
class OwnDirections {
 public:
  /// `coordinate` as in MomentOptions. Keeps references.
  OwnDirections(const PreparedDraws& sample, const Affine& whitening, std::vector<Index> coordinate);

  /// The draws' u and gradient along the direction of a value.
  std::pair<Vector, Vector> along(Index value) const;

 private:
  void find_coordinates(const std::vector<Index>& values);
  void regress(const std::vector<Index>& values);

  const PreparedDraws& sample_;
  const Affine& whitening_;
  std::vector<Index> coordinate_;  // -1 for a value that has a slope
  Matrix slope_;                   // d x P, of length 1, or 0
  Matrix theta_, gradient_;        // d x n, scale u and scale gradient; empty if the whitening is diagonal
};

}  // namespace vfe
