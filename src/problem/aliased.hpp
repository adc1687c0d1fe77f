#pragma once
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/core/row_source.hpp"

namespace vfe {

/// [collective] The names of coefficients whose columns are, over all rows, a combination of the intercept
/// and the columns before them, up to rounding: the likelihood says nothing of them that it does not say of
/// these. Columns that are 0 throughout are not among them. Nothing where there are too many rows and columns
/// to look. The same on any number of ranks.
std::vector<std::string> aliased_coefficients(const Communicator& comm, const RowSource& rows);

}  // namespace vfe
