#pragma once
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/table.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// A value of the data from which no finite number follows. RowError(first row + row, found) is its line.
struct UnusableValue {
  Index row = 0;      ///< among those given
  std::string found;  ///< "log(mass): log of -3, expected a number above 0"
};

/// One operation upon a stack of numbers.
struct ExpressionStep {
  enum class Kind {
    number_column,   ///< pushes slot `slot`
    integer_column,  ///< likewise
    constant,        ///< pushes `value`
    add,             ///< these five replace two numbers by one
    subtract,
    multiply,
    divide,
    power,
    negate,  ///< the others replace one by one
    log,
    log10,
    log1p,
    exp,
    sqrt,
    abs,
    center,  ///< less the mean over all rows of the fit
    scale,   ///< and divided by the sd, with n - 1
  };
  Kind kind;
  Index slot = 0;
  double value = 0.0;
  std::string column{};       ///< its name
  std::size_t begin = 0;      ///< of center and scale: steps [begin, this) are what it is of
  std::size_t statistic = 0;  ///< of center and scale: where its mean and sd stand among the statistics

  /// Of what the rows of the fit say.
  bool is_statistical() const { return kind == Kind::center || kind == Kind::scale; }
  bool operator==(const ExpressionStep&) const = default;
};

/// A number for each row, out of the columns of a table.
struct NumberExpression {
  std::string name;  ///< as R writes it
  std::vector<ExpressionStep> steps;
  bool operator==(const NumberExpression&) const = default;

  /// Of the steps [begin, end), which make one number: that number.
  NumberExpression part(std::size_t begin, std::size_t end) const;

  /// Sets `values` (rows). `statistics` are those of the fit. Equal rows give equal bits wherever they stand.
  /// Returns the first row of the first operation that gave no finite number, with `values` unfinished.
  std::optional<UnusableValue> evaluate(const TableRows& rows, const std::vector<Vector>& statistics,
                                        Vec values) const;
};

}  // namespace vfe
