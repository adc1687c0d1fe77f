#include "vfe/core/rows.hpp"

#include <algorithm>

namespace vfe {

Index DesignSchema::num_numbers() const {
  if (terms.empty()) return num_columns();
  Index count = 0;
  for (const DesignTerm& term : terms)
    if (term.column >= 0) count = std::max(count, term.column + term.width);
  return count;
}

Index DesignSchema::num_indices() const {
  Index indices = 0;
  for (const DesignTerm& term : terms) indices = std::max(indices, term.index + 1);
  return indices;
}

Index DesignSchema::num_effects() const {
  Index count = 0;
  for (const GroupEffects& of : effects) count += of.size();
  return count;
}

DesignSchema without_effects(DesignSchema schema) {
  schema.effects.clear();
  schema.keys.clear();
  return schema;
}

Rows::RowMajor<double> dense_design(const DesignSchema& schema, const Rows& rows) {
  const Rows::RowMajor<double> numbers =
      std::visit([](const auto& x) { return Rows::RowMajor<double>(x.template cast<double>()); }, rows.x);
  if (schema.terms.empty()) return numbers;
  Rows::RowMajor<double> design = Rows::RowMajor<double>::Zero(rows.size(), schema.num_columns());
  for (const DesignTerm& term : schema.terms) {
    for (Index row = 0; row < rows.size(); ++row) {
      const Index cell = term.index < 0 ? 0 : rows.cells(row, term.index);
      if (cell < 0) continue;
      auto of_cell = design.row(row).segment(term.first_coefficient + cell * term.width, term.width);
      if (term.column < 0) {
        of_cell.setOnes();
      } else {
        of_cell = numbers.row(row).segment(term.column, term.width);
      }
    }
  }
  return design;
}

}  // namespace vfe
