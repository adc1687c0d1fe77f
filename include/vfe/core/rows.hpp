#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "vfe/core/blocks.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// One column of the design matrix. Stored values are (user's value - centre) / scale.
struct Column {
  std::string name;       ///< "age", or "colour[red]" for the indicator of a level
  std::string source;     ///< the user's column
  std::string level;      ///< of an indicator; empty for a numeric column
  std::string reference;  ///< of an indicator: the level that is all zeros
  double centre = 0.0, scale = 1.0;
  bool operator==(const Column&) const = default;
};

/// Of the values of a column, on the user's scale.
struct MeanAndSd {
  double mean = 0.0, sd = 1.0;
  bool operator==(const MeanAndSd&) const = default;
};

/// What a dataset file says of its rows.
struct Schema {
  Blocks blocks;
  std::vector<Column> columns;
  std::string response;
  std::vector<std::string> response_levels;  ///< of a factor response, coded 0, 1, ...
  Index response_classes = 0;  ///< of a response that is a class number without names; 0 if it is none
  /// Of a response of whole numbers: those that occur, rising. Empty where they are not known, or too many.
  std::vector<double> response_numbers;
  double response_centre = 0.0, response_scale = 1.0;  ///< y is stored raw; models of a real response divide
  /// By column, where values are stored as they are: the models centre and scale by them. An indicator's are
  /// 0 and 1, which leave it alone. Empty: not known.
  std::vector<MeanAndSd> moments;
  std::optional<MeanAndSd> response_moments;  ///< likewise
  bool has_offset = false, has_weight = false, has_line = false;
  bool single = true;  ///< x stored as float32
  std::uint64_t shuffle_seed = 0;
  std::string source;         ///< where the rows came from
  std::uint64_t content = 0;  ///< hash of all blocks, independent of how they were read

  Index num_rows() const { return blocks.num_rows(); }
  Index num_blocks() const { return blocks.num_blocks(); }
  Index num_columns() const { return static_cast<Index>(columns.size()); }
};

/// A contiguous run of blocks in memory: the shard of one rank, or a piece of it.
struct Rows {
  template <class T>
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Index first_row = 0, first_block = 0;               ///< in the dataset
  Blocks blocks;                                      ///< of these rows, which count from first_row
  std::variant<RowMajor<float>, RowMajor<double>> x;  ///< rows x columns, as stored
  Vector y;                                           ///< rows
  Vector offset, weight;                              ///< rows, or empty: 0, 1

  Index size() const { return y.size(); }
};

}  // namespace vfe
