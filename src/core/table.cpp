#include "vfe/core/table.hpp"

#include <algorithm>
#include <array>

#include "vfe/core/numbers.hpp"

namespace vfe {
namespace {

constexpr std::array<const char*, 4> type_words = {"number", "factor", "integer", "matrix"};

}  // namespace

const char* to_string(ColumnType type) {
  return type_words[static_cast<std::size_t>(type)];
}

std::optional<ColumnType> column_type_from_string(const std::string& word) {
  const auto* found = std::ranges::find(type_words, word);
  if (found == type_words.end()) return std::nullopt;
  return static_cast<ColumnType>(found - type_words.begin());
}

Index TableSchema::find(const std::string& name) const {
  const auto found = std::find_if(columns.begin(), columns.end(),
                                  [&](const TableColumn& column) { return column.name == name; });
  return found == columns.end() ? -1 : found - columns.begin();
}

std::vector<Index> TableSchema::slots() const {
  std::array<Index, type_words.size()> taken{};
  std::vector<Index> slots;
  for (const TableColumn& column : columns) slots.push_back(taken[static_cast<std::size_t>(column.type)]++);
  return slots;
}

Index TableSchema::count(ColumnType type) const {
  return std::count_if(columns.begin(), columns.end(),
                       [&](const TableColumn& column) { return column.type == type; });
}

TableRows TableRows::some(Index first, Index count) const {
  TableRows rows;
  rows.first_row = first_row + first;
  rows.num_rows = count;
  const auto cut = [&](const Numbers& from) {
    return std::visit(
        [&](const auto& x) { return Numbers(std::decay_t<decltype(x)>(x.middleRows(first, count))); }, from);
  };
  rows.numbers = cut(numbers);
  rows.codes = codes.middleRows(first, count);
  rows.integers = integers.middleRows(first, count);
  for (const Numbers& matrix : matrices) rows.matrices.push_back(cut(matrix));
  return rows;
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

void keep_rows(TableRows& rows, Index num_rows) {
  const auto keep = [&](auto& values) { values.conservativeResize(num_rows, Eigen::NoChange); };
  rows.num_rows = num_rows;
  std::visit(keep, rows.numbers);
  keep(rows.codes);
  keep(rows.integers);
  for (TableRows::Numbers& matrix : rows.matrices) std::visit(keep, matrix);
}

}  // namespace vfe
