#pragma once
#include <vector>

#include "vfe/family/flow.hpp"
#include "vfe/family/flow_features.hpp"

namespace vfe {

/// log cosh, also where the cosh would overflow.
double log_cosh(double x);
/// The parameters of a conditional within their limits: skew, exp(log_tail).
double skew_of(const Flow::Conditional& conditional);
double tail_of(const Flow::Conditional& conditional);

/// A flow's map at some draws, one in a row, coordinates in the order of the conditionals; a conditional
/// without mean coefficients has m = 0.
struct FlowPass {
  enum class From { noise, whitened };
  using Conditionals = std::vector<Flow::Conditional>;

  Matrix u;
  Matrix bent_z;     ///< asinh z
  Matrix bent_y;     ///< asinh y, y = (u - m) / exp(l)
  Matrix log_scale;  ///< l
  double reach;      ///< see Flow
  Index squared;     ///< see Flow
  FlowFeatures features;

  /// From asinh z, or from u.
  FlowPass(const Conditionals& conditionals, const Matrix& given, From from, double reach = Flow::usual_reach,
           Index squared = Flow::all);

  /// log |det du/dz| of draw s.
  double log_det(const Conditionals& conditionals, Index s) const;

  /// With respect to m_i, to l_i before its limit, and to asinh y_i, at each draw.
  struct Gradients {
    Matrix mean, log_scale, bent_y;
  };
  /// Of <grad_u, u> + grad_log_det log_det in each draw; log_det's own part -log cosh(asinh z) is left out of
  /// bent_y.
  Gradients pull_back(const Conditionals& conditionals, const Matrix& grad_u, double grad_log_det) const;
};

}  // namespace vfe
