#pragma once
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/formula/expression.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {

/// The columns of a table as a formula names them.
class TableNames {
 public:
  TableNames(const FormulaSyntax& syntax, const TableSchema& schema);

  const TableSchema& schema() const { return schema_; }
  /// The column that a node names. Throws Fault::config, with the most similar name, where there is none.
  Index column(std::size_t node) const;
  /// A number for each row, of a node in arithmetic or a name. Throws Fault::config where a column is none.
  NumberExpression number(std::size_t node) const;
  /// That of a number or integer column.
  ExpressionStep step(Index column) const;
  /// The columns that nodes [first, node] name.
  std::set<Index> columns_of(std::size_t node) const;
  /// Columns that terms may not hold, since they are the response.
  void set_response(std::set<Index> columns) { response_ = std::move(columns); }

 private:
  ExpressionStep number_step(std::size_t node) const;

  const FormulaSyntax& syntax_;
  const TableSchema& schema_;
  std::vector<Index> slots_;
  std::unordered_map<std::string, Index> columns_;
  std::set<Index> response_;
};

}  // namespace vfe
