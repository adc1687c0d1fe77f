#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"

namespace vfe {

struct PredictOptions {
  std::filesystem::path run;   ///< a run's folder or its result file
  std::filesystem::path data;  ///< a dataset, of columns named like those of the fit
  std::filesystem::path output;
  Index draws = 1000;  ///< of the posterior draws, taken at equal distances; at most all of them
  std::optional<std::uint64_t> seed;  ///< of the simulated responses; not set: the fit's
};

/// How well a fit predicts the responses of a dataset; scores on rank 0 only.
struct PredictReport {
  Index rows = 0, draws = 0;
  double mean_log_density = 0.0;   ///< mean over rows of the log predictive density [nats]
  std::optional<double> rmse;      ///< of the predictive mean: real responses and counts
  std::optional<double> accuracy;  ///< share of rows whose most probable class is right: logistic, softmax
  /// Mean squared error of the class probabilities, summed over classes; logistic: of the probability of 1.
  std::optional<double> brier;
  std::optional<double> coverage;  ///< share of rows within their 5 and 95 % quantiles: as rmse
  std::vector<std::string> notes;  ///< columns not used; that the verdict forbids trust
};

/// [collective] Posterior predictive distribution of every row, in blocks over the ranks; rank 0 writes an
/// ArviZ file: group "predictions" with mean, sd, q5, q50, q95 of the response in its own unit (softmax:
/// "probability" of each class instead) and log_density; "observed_data" with y. Rows stand in the dataset's
/// order; where it knows them, "line" holds their lines in its source. The same bits on any number of ranks.
/// Rank 0 holds 64 bytes a row. Throws Fault::missing, Fault::data (a column that is missing, a level that
/// the fit did not know), Fault::cannot_create, Fault::io.
PredictReport predict(const Communicator& comm, const PredictOptions& options);

/// The report in plain lines.
std::string to_text(const PredictReport& report);

}  // namespace vfe
