#pragma once
#include <array>

#include "model/glm_constants.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/glm_likelihood.hpp"

namespace vfe::glm_kernel {

/// Rows at one draw, given their linear predictors. Arrays are of a multiple of panel_rows entries; rows of
/// weight 0 have results of 0.
struct RowTask {
  Likelihood likelihood = Likelihood::linear;
  Index rows = 0;
  const double* eta = nullptr;
  const double* y = nullptr;
  const double* beside = nullptr;  ///< as in Task; not null
  const double* weight = nullptr;  ///< not null
  const DrawConstants* constants = nullptr;
};

/// Whether expand() knows the likelihood: linear, student_t, logistic, binomial, poisson, negative_binomial.
bool can_expand(Likelihood likelihood);
/// Whether the log density is a concave function of the linear predictor. Then spread is curvature.
bool is_concave(Likelihood likelihood);

/// Slope; curvature, which is minus the second derivative; spread, above 0: the curvature, or of a student_t
/// the weight that it has in iterated least squares. The derivatives of slope and spread by the linear
/// predictor and by the coordinates of the scales, as traits() lists them; null where they are not wanted.
struct RowExpansions {
  double *slope = nullptr, *curvature = nullptr, *spread = nullptr;
  double* spread_slope = nullptr;
  std::array<double*, 2> slope_by_scale{}, spread_by_scale{};
};
void expand(const RowTask& task, const RowExpansions& out);

}  // namespace vfe::glm_kernel
