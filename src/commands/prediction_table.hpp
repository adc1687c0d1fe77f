#pragma once
#include <string>
#include <vector>

#include "vfe/commands/predict.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/model/prediction.hpp"

namespace vfe {

/// What is kept of each row that is predicted.
struct PredictionLayout {
  Prediction::Kind kind = Prediction::Kind::number;
  Index num_classes = 0;     ///< of classes; else 0
  std::vector<Index> shown;  ///< columns of the fit's table whose values are kept too
  /// "y", "log_density", then "probability[k]" of each class or "mean", its quantiles, "sd" and the quantiles
  /// of the response, "line", the columns shown.
  std::vector<std::string> names(const SavedFit& saved) const;
  static constexpr Index first_result = 2;
  Index num_results() const { return num_classes > 0 ? num_classes : 7; }
  Index line() const { return first_result + num_results(); }
  Index width() const { return line() + 1 + static_cast<Index>(shown.size()); }
};

/// Rows x width, as the layout orders the columns.
struct PredictionTable {
  using Numbers = Eigen::Map<const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>>;
  const PredictionLayout& layout;
  Numbers numbers;
  std::string source;

  std::vector<double> column(Index j) const;
};

/// Sets what the layout says of results and log density of a row; NaN where no response is known.
void summarise(const Prediction& prediction, const PredictionLayout& layout, Index row, double* out);

/// Over the rows with a response.
void score(const PredictionTable& table, PredictReport& report);

/// By the ending of the output's name.
void write_predictions(const PredictOptions& options, const SavedFit& saved, const PredictionTable& table,
                       const PredictReport& report);

}  // namespace vfe
