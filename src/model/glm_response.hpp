#pragma once
#include "model/glm_constants.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/glm_layout.hpp"

namespace vfe {

/// A block as kernels take it: a real response standardised, its offset scaled; of a positive response or one
/// between 0 and 1 the log.
struct PreparedRows : Rows {
  Vector beside;  ///< what else the density is of: trials, censoring, log(1 - y); or empty
};

PreparedRows prepare_response(Likelihood likelihood, const GlmLayout& layout, Rows rows);

/// The term of the log density of a row that depends on data alone, without weight [nats].
double data_term(Likelihood likelihood, const GlmLayout& layout, const PreparedRows& rows, Index row);

/// What the scales at theta contribute to every row.
glm_kernel::DrawConstants draw_constants(const GlmOptions& options, const GlmLayout& layout, ConstVec theta);

}  // namespace vfe
