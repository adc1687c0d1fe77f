#pragma once
#include <array>
#include <string>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// The ends of the names that the parameters have on the user's scale.
inline const std::string original_suffix = "_original";

/// Where the parameters of a generalised linear model stand, alike in theta and in the constrained values
/// (all of them scalars' own transforms), and what a result holds of them.
struct GlmLayout {
  Parameters parameters;
  std::vector<Parameter> quantities;  ///< the parameters, then those on the user's scale
  Index columns = 0;                  ///< coefficients of a linear predictor
  Index classes = 1;  ///< linear predictors of a row: softmax has one for each class but the reference
  Index intercept = -1, beta = 0, cutpoints = -1;  ///< first coordinate; -1: none
  Index num_cutpoints = 0;
  Index num_classes() const {
    return (cutpoints < 0 ? classes : num_cutpoints) + 1;
  }  ///< where there are any
  /// Coordinates of the likelihood's scales; -1: none, or it is known. The first is also here if it is sigma.
  std::array<Index, 2> scales{-1, -1};
  Index sigma = -1;
  /// Of the linear predictor, those with a horseshoe for their prior; their local scales are [class,
  /// coefficient].
  std::vector<Index> shrunk;
  Index local_scale = -1, global_scale = -1, slab_scale = -1;
  bool horseshoe() const { return !shrunk.empty(); }
  double response_centre = 0.0, response_scale = 1.0;  ///< 0 and 1 unless the response is real
  Index constant_term = -1;  ///< that stands for an intercept; -1: there is one, or nothing does
  /// Among the quantities: 0 without an intercept and with nothing centred that no term absorbs.
  bool original_intercept = false;
};

GlmLayout glm_layout(const GlmOptions& options, const DesignSchema& schema);

}  // namespace vfe
