#include "vfe/core/table.hpp"

#include <algorithm>
#include <array>

#include "vfe/core/numbers.hpp"

namespace vfe {

Index TableSchema::find(const std::string& name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const TableColumn& column) { return column.name == name; });
  return found == columns.end() ? -1 : found - columns.begin();
}

std::vector<Index> TableSchema::slots() const {
  std::array<Index, 4> taken{};
  std::vector<Index> slots;
  for (const TableColumn& column : columns) slots.push_back(taken[static_cast<std::size_t>(column.type)]++);
  return slots;
}

Index TableSchema::count(ColumnType type) const {
  return std::count_if(columns.begin(), columns.end(),
                       [&](const TableColumn& column) { return column.type == type; });
}

void TableRows::read_number(Index slot, Vec values) const {
  std::visit([&](const auto& x) { values = x.col(slot).template cast<double>(); }, numbers);
}

void TableRows::read_integer(Index slot, Vec values) const {
  values = integers.col(slot).cast<double>();
  for (Index i = 0; i < values.size(); ++i)
    if (integers(i, slot) == missing_integer) values[i] = nan;
}

void TableRows::read_matrix(Index slot, Mat values) const {
  std::visit([&](const auto& x) { values = x.template cast<double>(); },
             matrices[static_cast<std::size_t>(slot)]);
}

TableRows missing_rows(const TableSchema& schema, Index num_rows) {
  const auto missing = [&](Index width) {
    return TableRows::RowMajor<double>(TableRows::RowMajor<double>::Constant(num_rows, width, nan));
  };
  TableRows rows;
  rows.num_rows = num_rows;
  rows.numbers = missing(schema.count(ColumnType::number));
  rows.codes.setConstant(num_rows, schema.count(ColumnType::factor), -1);
  rows.integers.setConstant(num_rows, schema.count(ColumnType::integer), TableRows::missing_integer);
  for (const TableColumn& column : schema.columns)
    if (column.type == ColumnType::matrix) rows.matrices.emplace_back(missing(column.width));
  return rows;
}

}  // namespace vfe
