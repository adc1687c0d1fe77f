#pragma once
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// Around 0; of a horseshoe that of z, standard normal whatever the scale, which is the slab's.
class CoefficientPrior {
 public:
  /// `degrees_of_freedom` of student_t.
  CoefficientPrior(PriorShape shape, double scale, double degrees_of_freedom);
  PriorShape shape() const { return shape_; }
  double scale() const { return scale_; }

  /// Adds the log density at x [nats], and its slope unless that is null (laplace: 0 at 0).
  void add(double x, double& value, double* slope) const;
  /// A draw, given a standard normal and two uniform numbers.
  double draw(double normal, double u, double v) const;

 private:
  PriorShape shape_;
  double scale_, degrees_of_freedom_, log_peak_;  ///< log density at 0
};

/// Of every coefficient of a linear predictor. Throws Fault::config where an option names nothing.
std::vector<CoefficientPrior> coefficient_priors(const GlmOptions& options, const DesignSchema& schema);

/// Adds the log density of log x, where x has the prior of a scale (Jacobian included), and its slope unless
/// that is null.
void add_log_scale(ScalePrior prior, double prior_scale, double log_x, double& value, double* slope);

/// Adds the log density of the logs of the local, global and slab scales of a horseshoe, and its slope unless
/// that is null: at `scale` of a half-Cauchy, and of 1 / square ~ gamma(2, 2).
void add_log_half_cauchy(double scale, double log_x, double& value, double* slope);
void add_log_slab(double log_x, double& value, double* slope);

/// Their scales, where all are normal: sds; else empty.
Vector coefficient_sds(const GlmOptions& options, const DesignSchema& schema);

}  // namespace vfe
