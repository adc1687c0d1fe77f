#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "vfe/commands/predict.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/formula/terms.hpp"

namespace vfe {

/// Rows to be predicted as rows of the fit's table, in pieces. The numbers of a row must not depend on the
/// rank that works on it, and all draws of the rows of a piece are in memory.
class PredictionRows {
 public:
  static constexpr Index piece_rows = 256;

  struct Piece {
    TableRows rows;
    std::vector<std::int64_t> lines;  ///< in the source; empty where they are not known
  };

  virtual ~PredictionRows() = default;
  /// Piece k, rising from call to call; none after the last. Throws RowError, Fault::data, Fault::io.
  virtual std::optional<Piece> piece(Index k) = 0;
  virtual std::string name_row(Index row) const = 0;
  /// Where the rows came from, first of all.
  virtual std::string source() const = 0;
  /// Whether the rows have that column of the table, of those that name groups.
  virtual bool has(const std::string& column) const = 0;
  /// The name of a level of that column of the table: one of those, or one that is new.
  virtual const std::string& level(Index column, std::int32_t code) const = 0;
  /// Columns whose values a reader wants beside the predictions.
  virtual std::vector<Index> shown() const { return {}; }
};

/// Of a dataset, a CSV file or a grid, as the options say. What names groups is read unless they are
/// excluded. Throws Fault::missing, Fault::usage, Fault::data: also where that is included and not there.
std::unique_ptr<PredictionRows> prediction_rows(const PredictOptions& options, const SavedFit& saved,
                                                const FormulaTerms& formula);

}  // namespace vfe
