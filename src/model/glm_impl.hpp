#pragma once
#include <memory>
#include <vector>

#include "model/glm_kernel.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/glm_layout.hpp"

namespace vfe {

struct Glm::Impl {
  GlmOptions options;
  Schema schema;
  Blocks blocks;  ///< of the shard
  Index first_block = 0;
  GlmLayout layout;
  Vector prior_scales;  ///< of every coefficient, by column
  /// Of each block: weighted sum of the terms of the log density that depend on data alone.
  Vector data_terms;
  std::vector<std::shared_ptr<const Rows>> kept;  ///< prepared blocks, or ...
  std::shared_ptr<const RowSource> source;        ///< ... where they are read each time

  Impl(const GlmOptions& options, std::shared_ptr<const RowSource> rows);

  /// A block as the kernel takes it: x packed by panels; a real response standardised, its offset scaled.
  std::shared_ptr<const Rows> rows_of(Index block) const;
  Rows prepared(Rows rows) const;
  /// The term of the log density of a prepared row that depends on data alone, without weight [nats].
  double data_term(double y) const;
  /// Adds the log prior density of each coordinate of theta, Jacobian included, to value(i), and its slope to
  /// *slope(i) unless that is null.
  template <class ValueOf, class SlopeOf>
  void add_priors(ConstVec theta, ValueOf value, SlopeOf slope) const;
  /// The intercepts, coefficients and sigma of the model on the user's scale.
  void derive(ConstVec constrained, Vec values) const;
  /// The kernel's work on a prepared block at theta, with nothing asked for yet. Refers to all of them.
  glm_kernel::Task task(const Rows& rows, ConstMat theta,
                        std::vector<glm_kernel::DrawConstants>& constants) const;
};

/// A response simulated at linear predictors eta [class], in units of the model.
struct ResponseScales {
  double sigma = 1.0, nu = 0.0, overdispersion = 0.0;
};
double draw_response(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, Stream& stream);

}  // namespace vfe
