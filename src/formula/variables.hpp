#pragma once
#include "formula/table_names.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// The variable that a node makes, a name or a call of a number, a basis or a factor. Throws Fault::config.
FormulaVariable formula_variable(const FormulaSyntax& syntax, const TableNames& names, std::size_t node);
/// That of a whole column.
FormulaVariable column_variable(const TableNames& names, Index column);
/// That of a response or of what it is censored by: a number or a factor column. Throws Fault::config.
FormulaVariable outcome_variable(const FormulaSyntax& syntax, const TableNames& names, std::size_t node);

}  // namespace vfe
