#pragma once
#include <memory>
#include <vector>

#include "model/glm_kernel.hpp"
#include "model/glm_response.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/model/glm_prior.hpp"

namespace vfe {

struct Glm::Impl {
  GlmOptions options;
  DesignSchema schema;
  Blocks blocks;  ///< of the shard
  Index first_block = 0;
  GlmLayout layout;
  glm_kernel::Terms terms;
  std::vector<CoefficientPrior> priors;  ///< of the coefficients of a linear predictor
  /// Of each block: weighted sum of the terms of the log density that depend on data alone.
  Vector data_terms;
  std::vector<Vector> class_weights;  ///< of each block, ordinal: the weight of each class
  std::vector<std::shared_ptr<const PreparedRows>> kept;  ///< prepared blocks, or ...
  std::shared_ptr<const RowSource> source;                ///< ... where they are read each time

  Impl(const GlmOptions& options, std::shared_ptr<const RowSource> rows);

  std::shared_ptr<const PreparedRows> rows_of(Index block) const;
  PreparedRows prepared(Rows rows) const;
  /// Adds the log prior density of each coordinate of theta, Jacobian included, to value(i), and its slope to
  /// *slope(i) unless that is null.
  template <class ValueOf, class SlopeOf>
  void add_priors(ConstVec theta, ValueOf value, SlopeOf slope) const;
  template <class ValueOf, class SlopeOf>
  void add_cutpoint_priors(ConstVec theta, ValueOf value, SlopeOf slope) const;
  /// Adds the gradient by the coordinates of the cutpoints, given those by the upper and the lower end of
  /// each class [class, 2] without the part of their distance, and the weight of each class.
  void pull_back_cutpoints(ConstVec theta, ConstMat by_class, ConstVec weights, Vec grad) const;
  /// Sets beta from the z of a horseshoe: theta as the kernel takes it.
  Matrix with_coefficients(ConstMat theta) const;
  /// Adds the gradient by theta, given with_coefficients() and the gradient by that.
  void pull_back_coefficients(ConstMat theta, ConstMat with_coefficients, ConstMat of_it, Mat grad) const;
  template <class F>
  void for_shrunk(ConstVec theta, F f) const;
  /// Adds the log likelihood of a block and its gradient at theta as the kernel takes it.
  void add_log_likelihood(Index block, ConstMat theta, Vec value, Mat grad) const;
  /// The intercepts, coefficients and sigma of the model on the user's scale.
  void derive(ConstVec constrained, Vec values) const;
  /// Those of the absorber's coefficients that take what centring takes from a coefficient's column.
  Vec absorbing(const DesignTerm& absorber, Index coefficient, Vec coefficients) const;
  /// The kernel's work on a prepared block at theta, with nothing asked for yet. Refers to all of them.
  glm_kernel::Task task(const PreparedRows& rows, ConstMat theta,
                        std::vector<glm_kernel::DrawConstants>& constants) const;
};

/// The scales of a response's distribution, in units of the model: those that the likelihood has.
struct ResponseScales {
  double sigma = 1.0, nu = 0.0, overdispersion = 0.0, zero_probability = 0.0, shape = 1.0, precision = 1.0;
  Vector cutpoints;
};

/// A response simulated at linear predictors eta [class], in units of the model; of so many trials.
double draw_response(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, double trials,
                     Stream& stream);

}  // namespace vfe
