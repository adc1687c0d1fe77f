#pragma once
#include <string>
#include <vector>

#include "formula/refused.hpp"
#include "vfe/core/table.hpp"
#include "vfe/formula/design.hpp"
#include "vfe/formula/needs.hpp"
#include "vfe/formula/syntax.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// The columns that tests name: numbers, factors, an integer, a matrix.
inline TableSchema molecules() {
  return {{{"y", ColumnType::number},
           {"logp", ColumnType::number},
           {"colour", ColumnType::factor, {"red", "green", "blue"}},
           {"mass", ColumnType::number},
           {"shape", ColumnType::factor, {"round", "flat"}},
           {"count", ColumnType::integer},
           {"fp", ColumnType::matrix, {}, 3}}};
}

/// What a plan needs of a table that is in memory, read in blocks.
inline std::vector<Vector> known_statistics(const DesignPlan& plan, const TableRows& rows,
                                            Index block_rows = 7) {
  DesignStatistics statistics(plan.needs());
  while (!statistics.is_known()) {
    std::vector<NeedSums> pass = statistics.begin_pass();
    for (Index first = 0; first < rows.num_rows; first += block_rows) {
      const TableRows block = rows.some(first, std::min(block_rows, rows.num_rows - first));
      if (const auto unusable = statistics.add(block, pass)) {
        throw RowError(first + unusable->row, unusable->found);
      }
    }
    statistics.end_pass(pass);
  }
  return statistics.values();
}

inline Design designed(const std::string& formula, const TableSchema& schema, const TableRows& rows) {
  const DesignPlan plan(expand_terms(parse_formula(formula), schema), schema);
  return Design(plan, known_statistics(plan, rows));
}

/// A design with its zeros: a column for each coefficient.
inline Matrix written_out(const Design& design, const DesignRows& rows) {
  Matrix x = Matrix::Zero(rows.cells.rows(), design.num_coefficients());
  for (const DesignTerm& term : design.terms()) {
    for (Index i = 0; i < x.rows(); ++i) {
      const Index cell = term.index < 0 ? 0 : rows.cells(i, term.index);
      if (cell < 0) continue;
      for (Index j = 0; j < term.width; ++j) {
        x(i, term.first_coefficient + cell * term.width + j) =
            term.column < 0 ? 1.0 : rows.numbers(i, term.column + j);
      }
    }
  }
  return x;
}

}  // namespace vfe
