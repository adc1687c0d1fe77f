#pragma once
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/data/csv.hpp"
#include "vfe/data/table_match.hpp"

namespace vfe {

/// What effects rows have of the groups that they are of.
enum class GroupsOfRows {
  include,  ///< those of the fit; of a group that it did not know, as `fresh`
  exclude,  ///< none: 0
  fresh,    ///< those of new groups, drawn from the distribution of groups; one for all rows of a group
};

struct PredictOptions {
  std::filesystem::path run;   ///< a run's folder or its result file
  std::filesystem::path data;  ///< a dataset or a CSV file, "-" for standard input; empty: a grid
  std::filesystem::path output;
  std::vector<std::string> vary, at;  ///< of a grid: conditional_rows()
  CsvFormat format;
  FieldFormat fields;
  NewLevels new_levels = NewLevels::refuse;  ///< of other columns than those that name groups
  /// Of a grid, include takes the effects of groups alone that `vary` or `at` names.
  GroupsOfRows groups = GroupsOfRows::include;
  Index draws = 1000;  ///< of the posterior draws, taken at equal distances; at most all of them
  std::optional<std::uint64_t> seed;  ///< of the simulated responses; not set: the fit's

  bool is_grid() const { return data.empty(); }
};

/// How well a fit predicts the responses that rows have; scores on rank 0 only.
struct PredictReport {
  Index rows = 0, draws = 0;
  Index observed = 0;                      ///< rows with a response, of which the scores are
  std::optional<double> mean_log_density;  ///< mean over rows of the log predictive density [nats]
  std::optional<double> rmse;              ///< of the predictive mean: real responses and counts
  std::optional<double> accuracy;  ///< share of rows whose most probable class is right: logistic, softmax
  /// Mean squared error of the class probabilities, summed over classes; logistic: of the probability of 1.
  std::optional<double> brier;
  std::optional<double> coverage;  ///< share of rows within their 5 and 95 % quantiles: as rmse
  /// Logistic, of at least 200 rows: in ten groups of rows by their probability of 1, the largest difference
  /// between its mean and the share of ones, and that in standard errors of a share.
  struct Calibration {
    double difference = 0.0, errors = 0.0;
  };
  std::optional<Calibration> calibration;
  std::vector<std::string> notes;  ///< that the verdict forbids trust; what was drawn of groups not known
};

/// [collective] Posterior predictive distribution of every row of a table, whose columns are matched with
/// those of the fit by name, its levels too; the response may be absent, in all rows or in some. Rank 0
/// writes a CSV file where the output's name ends in .csv, else one for ArviZ: group "predictions" with mean
/// and its 5 and 95 % quantiles (mean_q5, mean_q95: of the expected response), sd, q5, q50, q95 of the
/// response in its own unit (softmax: "probability" of each class instead) and log_density, where a response
/// is known; "observed_data" with y then. Rows stand in the table's order; where it knows them, "line" holds
/// their lines in its source; of a grid the columns varied are in "constant_data". The same bits on any
/// number of ranks. Rank 0 holds 80 bytes a row. Throws Fault::missing, Fault::data (a column that is
/// missing, a level that the fit did not know), Fault::usage, Fault::cannot_create, Fault::io.
PredictReport predict(const Communicator& comm, const PredictOptions& options);

/// The report in plain lines.
std::string to_text(const PredictReport& report);

}  // namespace vfe
