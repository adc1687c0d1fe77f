#pragma once
#include <memory>

#include "vfe/core/row_source.hpp"
#include "vfe/model/glm.hpp"

namespace vfe {

/// Rows as a generalised linear model is to take them, whatever is stored. Columns and a real response stored
/// raw are centred and scaled by the moments that the schema holds, so that priors mean the same as of
/// columns stored so. Without an intercept nothing is centred: the line goes through the origin of the user's
/// units, and scales are root mean squares. The schema of the result says this coding, its moments are used
/// up. Where there is nothing to change, the rows themselves.
std::shared_ptr<const RowSource> model_rows(const GlmOptions& options, std::shared_ptr<const RowSource> rows);

}  // namespace vfe
