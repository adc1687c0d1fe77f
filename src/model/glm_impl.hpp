#pragma once
#include <vector>

#include "model/glm_kernel.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/glm_layout.hpp"

namespace vfe {

struct Glm::Impl {
  GlmOptions options;
  Schema schema;
  GlmLayout layout;
  Vector prior_scales;  ///< of every coefficient, by column
  Rows rows;            ///< x packed by panels; a real response standardised, its offset scaled
  Vector
      data_terms;  ///< of each block: weighted sum of the terms of the log density that depend on data alone

  Impl(const GlmOptions& options, const Schema& schema, Rows rows);

  /// Rows [first, last) of a block, counted from the first row of the shard.
  std::pair<Index, Index> block_rows(Index block) const;
  /// The term of a row's log density that depends on data alone, without weight [nats].
  double data_term(Index row) const;
  /// The kernel's work on a block at theta, with nothing asked for yet. Refers to `theta` and `constants`.
  void derive(ConstVec constrained, Vec values) const;
  glm_kernel::Task task(Index block, ConstMat theta, std::vector<glm_kernel::DrawConstants>& constants) const;
};

/// A response simulated at linear predictors eta [class], in units of the model.
struct ResponseScales {
  double sigma = 1.0, nu = 0.0, overdispersion = 0.0;
};
double draw_response(Likelihood likelihood, ConstVec eta, const ResponseScales& scales, Stream& stream);

}  // namespace vfe
