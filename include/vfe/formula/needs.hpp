#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "vfe/core/exact_sum.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/core/table.hpp"
#include "vfe/formula/expression.hpp"

namespace vfe {

/// A factor of a cell: its codes, or a level for each of some numbers.
struct CellFactor {
  Index slot = -1;            ///< of a factor column; -1 where levels are numbers
  NumberExpression of{};      ///< whose values are levels
  std::size_t statistic = 0;  ///< and which these are, rising
  std::string name{};
  std::vector<std::string> levels{};  ///< of a factor column
  bool is_full = false;               ///< its first level, too, has cells

  bool operator==(const CellFactor&) const = default;
};

/// The cells of some factors, the first running fastest: those of their coded levels.
struct Cells {
  std::vector<CellFactor> factors;

  Index levels(std::size_t factor, const std::vector<Vector>& statistics) const;
  /// Levels with cells, of that factor.
  Index coded(std::size_t factor, const std::vector<Vector>& statistics) const;
  /// The number of cells; throws Fault::config where there are too many to count their rows.
  Index size(const std::vector<Vector>& statistics) const;
  /// Sets by row: its cell; -1 where a factor is at the first level and that has no cells.
  std::optional<UnusableValue> evaluate(const TableRows& rows, const std::vector<Vector>& statistics,
                                        Eigen::Ref<Eigen::VectorXi> cells) const;

  bool operator==(const Cells&) const = default;
};

/// What a design must know of all rows of the fit before it can be evaluated, and how the answer is packed.
struct DesignNeed {
  enum class Kind {
    mean,         ///< {mean}
    mean_and_sd,  ///< {mean, sd}, with n - 1
    polynomials,  ///< Polynomials::packed()
    knots,        ///< {lowest value, highest value, the knots between}
    levels,       ///< the different values, rising
    cells,        ///< the cells that no row is in, rising
  };
  Kind kind;
  NumberExpression of{};        ///< of all but cells
  Index count = 0;              ///< degree of polynomials; number of knots
  std::vector<double> knots{};  ///< where they are given
  Cells cells{};
};

/// What one pass over the rows adds up for one need. Integers, exact sums and extremes: the same in any
/// order.
struct NeedSums {
  std::int64_t rows = 0;
  ExactSum sums{0};
  double low = infinity, high = -infinity;
  std::vector<std::int64_t> counts;
  std::set<double> levels;

  void add(const NeedSums& other);
};

/// Finds what is needed in passes over all rows, block by block:
///   while (!statistics.is_known()) {
///     auto pass = statistics.begin_pass();
///     for (rows of each block) statistics.add(rows, pass);    // on any rank or thread, in passes of its own
///     statistics.end_pass(pass);                               // the sum of all
///   }
class DesignStatistics {
 public:
  explicit DesignStatistics(std::vector<DesignNeed> needs);
  ~DesignStatistics();

  bool is_known() const;
  std::vector<NeedSums> begin_pass() const;
  /// Adds the rows of one block.
  std::optional<UnusableValue> add(const TableRows& rows, std::vector<NeedSums>& pass) const;
  /// Throws Fault::data, Fault::config where no design follows: all values equal, a knot that is outside.
  void end_pass(const std::vector<NeedSums>& pass);
  /// By need, empty until it is known.
  const std::vector<Vector>& values() const { return values_; }

  class Search;

 private:
  bool is_active(std::size_t need) const;

  std::vector<DesignNeed> needs_;
  std::vector<std::unique_ptr<Search>> searches_;
  std::vector<Vector> values_;
  std::vector<bool> known_;
};

}  // namespace vfe
