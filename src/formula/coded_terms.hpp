#pragma once
#include <vector>

#include "formula/term_set.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// Products of `variables` as terms, main effects first. Factors are coded by R's rule: all levels of the
/// first one where there is no intercept, and of those without a margin, a term that holds the others of its
/// term.
std::vector<FormulaTerm> coded_terms(std::vector<TermKey> products,
                                     const std::vector<FormulaVariable>& variables, bool has_intercept);

}  // namespace vfe
