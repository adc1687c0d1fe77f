#include "commands/prediction_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "vfe/core/numbers.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/statistics/quantile.hpp"
#include "vfe/statistics/weights.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

constexpr double low = 0.05, high = 0.95;
constexpr Index mean_place = 0, low_place = 4, high_place = 6;  ///< among the results of a number

std::vector<double> sorted_row(const Matrix& values, Index row) {
  std::vector<double> sorted(static_cast<std::size_t>(values.cols()));
  for (Index s = 0; s < values.cols(); ++s) sorted[static_cast<std::size_t>(s)] = values(row, s);
  std::ranges::sort(sorted);
  return sorted;
}

/// A field of a CSV file, quoted where it must be.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

/// The value of a column that is shown: the level of a factor.
std::string shown_value(const TableColumn& column, double value) {
  if (std::isnan(value)) return "";
  return column.type == ColumnType::factor ? column.levels[static_cast<std::size_t>(value)]
                                           : fmt::format("{}", value);
}

std::string csv_text(const SavedFit& saved, const PredictionTable& table) {
  const PredictionLayout& layout = table.layout;
  const std::vector<std::string> names = layout.names(saved);
  std::vector<Index> columns;  // those of which something is known, what leads to the row first
  const auto add = [&](Index first, Index last) {
    for (Index j = first; j < last; ++j)
      if (!table.numbers.col(j).array().isNaN().all()) columns.push_back(j);
  };
  add(layout.line(), layout.width());
  add(layout.first_result, layout.line());
  add(0, layout.first_result);
  std::string text;
  for (const Index j : columns)
    text += (j == columns.front() ? "" : ",") + field(names[static_cast<std::size_t>(j)]);
  text += '\n';
  const bool has_levels = !saved.design->response_levels.empty();
  for (Index row = 0; row < table.numbers.rows(); ++row) {
    for (const Index j : columns) {
      if (j != columns.front()) text += ',';
      const double value = table.numbers(row, j);
      if (j > layout.line()) {
        text += field(shown_value(
            saved.table->table[layout.shown[static_cast<std::size_t>(j - layout.line() - 1)]], value));
      } else if (j == 0 && has_levels && !std::isnan(value)) {
        text += field(saved.design->response_levels[static_cast<std::size_t>(value)]);
      } else if (!std::isnan(value)) {
        text += fmt::format("{:.9g}", value);
      }
    }
    text += '\n';
  }
  return text;
}

ResultFile arviz_file(const PredictOptions& options, const SavedFit& saved, const PredictionTable& table,
                      const PredictReport& report) {
  const PredictionLayout& layout = table.layout;
  const std::vector<std::string> names = layout.names(saved);
  const Dimension rows{"obs_id", table.numbers.rows(), {}};
  Group predictions{"predictions", {}};
  if (layout.num_classes > 0) {
    const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> probability =
        table.numbers.middleCols(layout.first_result, layout.num_classes);
    predictions.variables.push_back({"probability",
                                     {rows, {"class", layout.num_classes, saved.design->response_levels}},
                                     {probability.data(), probability.data() + probability.size()}});
  } else {
    for (Index j = layout.first_result; j < layout.line(); ++j)
      predictions.variables.push_back({names[static_cast<std::size_t>(j)], {rows}, table.column(j)});
  }
  const std::vector<double> lines = table.column(layout.line());
  if (!lines.empty() && !std::isnan(lines.front()))
    predictions.variables.push_back({"line", {rows}, lines, true});
  ResultFile file;
  if (report.observed > 0) {
    predictions.variables.push_back({"log_density", {rows}, table.column(1)});
    file.groups.push_back({"observed_data", {{"y", {rows}, table.column(0)}}});
  }
  file.groups.insert(file.groups.begin(), std::move(predictions));
  Group shown{"constant_data", {}};
  for (std::size_t k = 0; k < layout.shown.size(); ++k) {
    const Index j = layout.line() + 1 + static_cast<Index>(k);
    shown.variables.push_back({names[static_cast<std::size_t>(j)], {rows}, table.column(j)});
  }
  if (!shown.variables.empty()) file.groups.push_back(std::move(shown));

  put_verdict(saved.verdict, file.attributes);
  file.attributes["data"] = printable(options.data.string());
  file.attributes["source"] = table.source;
  file.attributes["draws"] = std::int64_t{report.draws};
  file.attributes["version"] = std::string(VFE_VERSION);
  const auto put = [&](const std::string& name, const std::optional<double>& value) {
    if (value) file.attributes[name] = *value;
  };
  put("mean_log_density", report.mean_log_density);
  put("rmse", report.rmse);
  put("accuracy", report.accuracy);
  put("brier", report.brier);
  put("coverage", report.coverage);
  if (report.calibration) put("calibration_difference", report.calibration->difference);
  return file;
}

/// `chances`: of each row with a response its probability of 1, and whether that is what it is.
PredictReport::Calibration calibration(std::vector<std::pair<double, bool>> chances) {
  constexpr std::size_t groups = 10;
  std::ranges::sort(chances);
  PredictReport::Calibration worst;
  for (std::size_t g = 0; g < groups; ++g) {
    const std::size_t first = g * chances.size() / groups, last = (g + 1) * chances.size() / groups;
    const auto n = static_cast<double>(last - first);
    double expected = 0.0, found = 0.0, variance = 0.0;
    for (std::size_t i = first; i < last; ++i) {
      const auto& [chance, is_one] = chances[i];
      expected += chance / n;
      found += is_one ? 1.0 / n : 0.0;
      variance += chance * (1.0 - chance) / (n * n);
    }
    const double difference = std::abs(found - expected);
    if (difference > worst.difference) worst = {difference, difference / std::sqrt(variance)};
  }
  return worst;
}

}  // namespace

std::vector<std::string> PredictionLayout::names(const SavedFit& saved) const {
  std::vector<std::string> names{"y", "log_density"};
  for (Index k = 0; k < num_classes; ++k)
    names.push_back(
        fmt::format("probability[{}]", saved.design->response_levels[static_cast<std::size_t>(k)]));
  if (num_classes == 0) {
    for (const char* name : {"mean", "mean_q5", "mean_q95", "sd", "q5", "q50", "q95"})
      names.emplace_back(name);
  }
  names.emplace_back("line");
  for (const Index column : shown) names.push_back(saved.table->table[column].name);
  return names;
}

std::vector<double> PredictionTable::column(Index j) const {
  const Vector values = numbers.col(j);
  return {values.data(), values.data() + values.size()};
}

void summarise(const Prediction& prediction, const PredictionLayout& layout, Index row, double* out) {
  out[1] =
      prediction.log_density.rows() > 0 ? log_mean_exp(prediction.log_density.row(row).transpose()) : nan;
  out += PredictionLayout::first_result;
  if (layout.num_classes > 0) {
    for (const Matrix& probability : prediction.probability) *out++ = probability.row(row).mean();
    return;
  }
  const Vector responses = prediction.response.row(row);
  const double centre = responses.mean();
  const std::vector<double> means = sorted_row(prediction.mean, row),
                            sorted = sorted_row(prediction.response, row);
  *out++ = prediction.mean.row(row).mean();
  *out++ = sorted_quantile(means, low);
  *out++ = sorted_quantile(means, high);
  *out++ = std::sqrt((responses.array() - centre).square().sum() /
                     static_cast<double>(std::max<Index>(responses.size() - 1, 1)));
  for (const double probability : {low, 0.5, high}) *out++ = sorted_quantile(sorted, probability);
}

void score(const PredictionTable& table, PredictReport& report) {
  const PredictionLayout& layout = table.layout;
  constexpr std::size_t fewest_to_calibrate = 200;
  double log_density = 0.0, right = 0.0, squares = 0.0, within = 0.0;
  std::vector<std::pair<double, bool>> chances;
  for (Index row = 0; row < table.numbers.rows(); ++row) {
    const double y = table.numbers(row, 0);
    if (std::isnan(y)) continue;
    ++report.observed;
    log_density += table.numbers(row, 1);
    Vector results = table.numbers.row(row).segment(layout.first_result, layout.num_results());
    if (layout.num_classes > 0) {
      Index best = 0;
      results.maxCoeff(&best);
      const auto observed = static_cast<Index>(y);
      right += best == observed ? 1.0 : 0.0;
      results[observed] -= 1.0;
      squares += results.squaredNorm();
      continue;
    }
    const double mean = results[mean_place];
    right += (mean > 0.5) == (y > 0.5) ? 1.0 : 0.0;
    squares += (mean - y) * (mean - y);
    within += results[low_place] <= y && y <= results[high_place] ? 1.0 : 0.0;
    chances.emplace_back(mean, y > 0.5);
  }
  if (report.observed == 0) return;
  const auto n = static_cast<double>(report.observed);
  report.mean_log_density = log_density / n;
  if (layout.kind == Prediction::Kind::number) {
    report.rmse = std::sqrt(squares / n);
    report.coverage = within / n;
  } else {
    report.accuracy = right / n;
    report.brier = squares / n;
    if (chances.size() >= fewest_to_calibrate) report.calibration = calibration(std::move(chances));
  }
}

void write_predictions(const PredictOptions& options, const SavedFit& saved, const PredictionTable& table,
                       const PredictReport& report) {
  if (options.output.extension() == ".csv") {
    write_file(options.output, csv_text(saved, table));
  } else {
    write_result(options.output, arviz_file(options, saved, table, report));
  }
}

}  // namespace vfe
