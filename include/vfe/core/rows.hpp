#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "vfe/core/blocks.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// One column of the design matrix, of one coefficient. Its values are (user's value - centre) / scale.
struct Column {
  std::string name;    ///< "age", "colour[red]", "colour[red]:age"
  std::string source;  ///< the term: "age", "colour", "colour:age"
  double centre = 0.0, scale = 1.0;
  /// The term that takes what centring takes away, one of width 1: of a column of cells by the coefficient of
  /// the same cell, else by all of its coefficients; -1: the intercept.
  Index absorber = -1;
  bool operator==(const Column&) const = default;
};

/// A term's columns without their zeros: `width` numbers of each row (one, which is 1, where there are none),
/// times the coefficients of the cell that the row is in. Coefficient `first_coefficient` + cell * width + j
/// belongs to number j.
struct DesignTerm {
  std::string name;
  Index column = -1;  ///< of the numbers, the first of `width`; -1: the number 1
  Index width = 1;
  Index index = -1;     ///< of the cells; -1: the one cell there is
  Index num_cells = 1;  ///< with rows of the fit
  Index first_coefficient = 0;

  Index num_coefficients() const { return width * num_cells; }
  bool operator==(const DesignTerm&) const = default;
};

/// A number of each row as models take it: (value - centre) / scale.
struct CodedNumber {
  Index number = 0;  ///< of the formula's, as it evaluates them
  double centre = 0.0, scale = 1.0;
  bool operator==(const CodedNumber&) const = default;
};

/// What names groups of rows: a column of the table.
struct GroupKey {
  std::string name;
  Index num_levels = 0;  ///< of a factor, whose codes are keys; 0: whole numbers are
  /// Of a factor with few levels (at most most_named_levels), of whose effects a model may make parameters.
  std::vector<std::string> levels;
  bool operator==(const GroupKey&) const = default;
};
constexpr Index most_named_levels = 10000;

/// Effects that differ from group to group, "(1 + x | school)": of each row a number for each effect, times
/// the effects of the row's group.
struct GroupEffects {
  std::string name;             ///< of the groups: "school", "school:class"
  std::vector<Index> keys;      ///< of DesignSchema::keys: together they name a group
  Index first_column = 0;       ///< of Rows::effects
  std::vector<Column> columns;  ///< by effect: "intercept", "x", "colour[red]"
  bool has_intercept = true;    ///< the first column is 1, and takes what centring takes away
  bool correlated = true;       ///< | rather than ||
  /// There are many rows for each group: where effects are parameters, these are the effects themselves,
  /// which the rows tell; of few rows they are in units of their sds.
  bool centred = false;

  Index size() const { return static_cast<Index>(columns.size()); }
  bool operator==(const GroupEffects&) const = default;
};

/// The values of a column over the rows of a fit.
struct NumberRange {
  double low = 0.0, mean = 0.0, high = 0.0;
  bool operator==(const NumberRange&) const = default;
};

/// What a model is told of the rows of its design.
struct DesignSchema {
  Blocks blocks;
  std::vector<Column> columns;  ///< one for each coefficient
  /// What the coefficients are of, in their order. Empty: coefficient j is that of number j.
  std::vector<DesignTerm> terms;
  bool has_intercept = true;
  /// Without an intercept: the term that has a cell for every row, whose coefficients are intercepts then, of
  /// the response's centre too; -1: none.
  Index constant_term = -1;
  std::vector<GroupKey> keys;         ///< of groups
  std::vector<GroupEffects> effects;  ///< of groups; each grouping once
  std::string response;
  std::vector<std::string> response_levels;            ///< of a factor response, coded 0, 1, ...
  double response_centre = 0.0, response_scale = 1.0;  ///< y is raw; models of a real response divide
  bool may_lack_response = false;  ///< rows to be predicted: NaN is a response that was not observed

  // Of a design that comes of a formula and a table:
  std::string formula;
  std::vector<Vector> statistics;             ///< what the formula knows of the rows of the fit
  std::vector<CodedNumber> numbers;           ///< of a row
  std::map<std::string, NumberRange> ranges;  ///< of the table's columns of numbers that terms are made of

  Index num_rows() const { return blocks.num_rows(); }
  Index num_blocks() const { return blocks.num_blocks(); }
  Index num_columns() const { return static_cast<Index>(columns.size()); }
  Index num_numbers() const;  ///< of a row
  Index num_indices() const;  ///< likewise: columns of cells
  Index num_effects() const;  ///< likewise: columns of effects of groups
};

/// The same without effects of groups.
DesignSchema without_effects(DesignSchema schema);

/// A contiguous run of blocks in memory: the shard of one rank, or a piece of it.
struct Rows {
  template <class T>
  using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

  Index first_row = 0, first_block = 0;               ///< in the dataset
  Blocks blocks;                                      ///< of these rows, which count from first_row
  std::variant<RowMajor<float>, RowMajor<double>> x;  ///< rows x numbers
  /// rows x indices: of each the cell that the row is in; -1: a row without a coefficient.
  Eigen::Matrix<std::int32_t, Eigen::Dynamic, Eigen::Dynamic> cells;
  Vector y;                  ///< rows
  Vector offset, weight;     ///< rows, or empty: 0, 1
  Vector trials, censoring;  ///< rows, or empty where the formula says none
  Matrix effects;            ///< rows x num_effects(): (user's value - centre) / scale
  Eigen::Matrix<std::int64_t, Eigen::Dynamic, Eigen::Dynamic> groups;  ///< rows x keys

  Index size() const { return y.size(); }
};

/// The columns of the design matrix with all of its zeros, rows x coefficients.
Rows::RowMajor<double> dense_design(const DesignSchema& schema, const Rows& rows);

}  // namespace vfe
