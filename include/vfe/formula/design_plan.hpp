#pragma once
#include <map>
#include <string>
#include <vector>

#include "vfe/core/rows.hpp"
#include "vfe/core/table.hpp"
#include "vfe/formula/needs.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// How the terms of a formula become columns, and what that takes to be known of all rows.
class DesignPlan {
 public:
  DesignPlan(FormulaTerms terms, const TableSchema& schema);

  const std::vector<DesignNeed>& needs() const { return needs_; }

 private:
  friend class Design;

  /// Numeric variables, of whose product the columns stand side by side; the first runs fastest.
  struct Product {
    std::vector<std::size_t> variables;
    Index column = 0, width = 1;
  };

  /// A column that names groups.
  struct Key {
    Index column = 0;  ///< of the table
    Cells levels{};    ///< of a factor
  };

  void resolve(NumberExpression& expression);
  std::size_t need(DesignNeed need);
  std::size_t need_for(const FormulaVariable& variable);
  std::size_t product_of(const std::vector<std::size_t>& variables);
  Index cells_of(const FormulaTerm& term);
  DesignTerm design_term(const FormulaTerm& term);
  void add_effects(const GroupTerms& of);

  FormulaTerms terms_;
  std::size_t response_need_ = 0;  ///< the levels of a response of numbers_factor
  TableSchema schema_;
  std::vector<Index> slots_;
  std::vector<DesignNeed> needs_;
  std::vector<std::size_t> basis_needs_;  ///< by variable: what its basis or its levels take
  std::vector<Product> products_;
  std::map<std::vector<std::size_t>, std::size_t> product_places_;  ///< by their variables
  Index num_numbers_ = 0;
  std::vector<std::size_t> cells_;                   ///< by index: the need of its cells
  std::map<std::size_t, std::size_t> index_places_;  ///< by that need
  std::vector<DesignTerm> design_terms_;
  std::vector<std::vector<DesignTerm>> effect_terms_;  ///< by GroupTerms
  std::vector<Key> keys_;
  std::vector<std::vector<Index>> effect_keys_;  ///< by GroupTerms: of keys_
};

}  // namespace vfe
