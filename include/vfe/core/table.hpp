#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vfe/core/blocks.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// What the cells of a column of a table hold.
enum class ColumnType {
  number,   ///< real numbers
  factor,   ///< one of some named levels
  integer,  ///< whole numbers: counts, identifiers
  matrix,   ///< `width` real numbers each: a fingerprint, an image
};

/// "number", "factor", ...
const char* to_string(ColumnType type);
/// Nothing for another word.
std::optional<ColumnType> column_type_from_string(const std::string& word);

/// A named column of a table.
struct TableColumn {
  std::string name;
  ColumnType type = ColumnType::number;
  std::vector<std::string> levels;  ///< of a factor, in the order of their codes 0, 1, ...
  Index width = 1;                  ///< of a matrix column
  bool operator==(const TableColumn&) const = default;
};

/// The columns of a table, in order. Columns of one type are stored together: a column's slot is its place
/// among those of its type.
struct TableSchema {
  std::vector<TableColumn> columns;

  Index size() const { return static_cast<Index>(columns.size()); }
  const TableColumn& operator[](Index column) const { return columns[static_cast<std::size_t>(column)]; }
  /// The column of that name; -1 where there is none.
  Index find(const std::string& name) const;
  /// By column: its slot.
  std::vector<Index> slots() const;
  Index count(ColumnType type) const;

  bool operator==(const TableSchema&) const = default;
};

/// What a dataset file says of its rows.
struct DatasetSchema {
  TableSchema table;
  Blocks blocks;
  bool single = true;     ///< numbers and matrices of numbers are stored as float32
  bool has_line = false;  ///< the line of each row in `source` is known
  std::string source;     ///< where the rows came from
  std::uint64_t shuffle_seed = 0;
  /// Rows of equal values of the first of these columns stand together and in one block; among them those of
  /// equal values of the second stand together, ... Empty: rows are in any order.
  std::vector<std::string> grouped_by;
  std::uint64_t content = 0;  ///< hash of all blocks, independent of how they were read

  Index num_rows() const { return blocks.num_rows(); }
  Index num_blocks() const { return blocks.num_blocks(); }
};

/// Rows of a table in memory, usually those of a block. What is missing is NaN among numbers, -1 among codes,
/// missing_integer among integers.
struct TableRows {
  template <class T>
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  using Numbers = std::variant<RowMajor<double>, RowMajor<float>>;  ///< in the precision they are stored with
  static constexpr std::int64_t missing_integer = std::numeric_limits<std::int64_t>::min();

  Index first_row = 0, first_block = 0;  ///< in the dataset
  Index num_rows = 0;
  Numbers numbers;                                                       ///< rows x number columns
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic> codes;     ///< rows x factors
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic> integers;  ///< rows x integer columns
  std::vector<Numbers> matrices;                                         ///< of each: rows x width

  /// Rows [first, first + count) of these, in no block.
  TableRows some(Index first, Index count) const;
  /// Sets `values` (rows) to the number column, or the integer column, in that slot.
  void read_number(Index slot, Vec values) const;
  void read_integer(Index slot, Vec values) const;
  /// Sets `values` (rows x width) to the matrix column in that slot.
  void read_matrix(Index slot, Mat values) const;
};

/// Rows of that table, all missing: to be filled.
TableRows missing_rows(const TableSchema& schema, Index num_rows);
/// Takes all rows but the first `num_rows` away.
void keep_rows(TableRows& rows, Index num_rows);

}  // namespace vfe
