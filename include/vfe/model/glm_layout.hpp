#pragma once
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
  Index columns = 0;
  Index classes = 1;  ///< linear predictors of a row: softmax has one for each class but the reference
  Index intercept = -1, beta = 0, sigma = -1, nu = -1, overdispersion = -1;  ///< first coordinate; -1: none
  double response_centre = 0.0, response_scale = 1.0;  ///< 0 and 1 unless the response is real
  bool original_intercept = false;  ///< among the quantities: 0 without an intercept and with nothing centred
};

GlmLayout glm_layout(const GlmOptions& options, const Schema& schema);

/// Prior sd of every coefficient, by column.
Vector coefficient_scales(const GlmOptions& options, const Schema& schema);

}  // namespace vfe
