#pragma once
#include <array>

#include "model/glm_constants.hpp"
#include "vfe/core/types.hpp"
#include "vfe/model/glm_likelihood.hpp"

namespace vfe::glm_kernel {

constexpr Index group_points = 8;  ///< points are a multiple of so many

/// Log densities of the rows of a group at several points of its effects. Vectors hold points, not rows: a
/// group may have few rows, and no sums run across lanes.
struct GroupTask {
  Likelihood likelihood = Likelihood::linear;
  Index rows = 0, effects = 0, points = 0;
  const double* predictor = nullptr;  ///< [row], without the group's effects
  const double* numbers = nullptr;    ///< [effect, row], columns of `numbers_stride`
  Index numbers_stride = 0;
  const double* y = nullptr;
  const double* beside = nullptr;  ///< as in Task; not null
  const double* weight = nullptr;  ///< not null
  const DrawConstants* constants = nullptr;
  const double* at = nullptr;  ///< [effect, point]: the effects
};

/// Results, to be set: sums over rows by point, and by row and point the slope by the linear predictor.
struct GroupDensities {
  double* value = nullptr;            ///< [point]
  double* effect_slope = nullptr;     ///< [effect, point]: of numbers times slopes
  std::array<double*, 2> by_scale{};  ///< [point], as in RowExpansions
  double* slope = nullptr;            ///< [row, point]
};
void evaluate(const GroupTask& task, const GroupDensities& out);

/// Adds to residual[row] the sum over points of weight times slope.
void add_residuals(const double* slope, const double* weight, Index rows, Index points, double* residual);

}  // namespace vfe::glm_kernel
