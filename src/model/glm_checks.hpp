#pragma once
#include "vfe/core/rows.hpp"
#include "vfe/model/glm_likelihood.hpp"

namespace vfe {

/// Throws what the constructor of Glm does about rows. `classes`: of the response, where it has some.
void check_rows(Likelihood likelihood, Index classes, const DesignSchema& schema, const Rows& rows);

}  // namespace vfe
