#pragma once
#include <cstddef>
#include <vector>

#include "formula/table_names.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// By node of the formula: whether it is of the names of groups, right of a | in parentheses. Throws
/// Fault::config where effects hold what they cannot: a dot, an offset, weights, other effects of groups.
std::vector<bool> nodes_of_groupings(const FormulaSyntax& syntax);

/// Adds effects to those that there are: `node` is "(terms | groups)", `terms` are what stands left of the
/// bar, of `variables`. Throws Fault::config, at the place, where groups are not named by columns that can,
/// or where effects of a grouping that is there already are the same, or correlated in part.
void add_effects(const FormulaSyntax& syntax, const TableNames& names, std::size_t node, GroupTerms terms,
                 const std::vector<FormulaVariable>& variables, std::vector<GroupTerms>& effects);

}  // namespace vfe
