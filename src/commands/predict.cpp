#include "vfe/commands/predict.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/printable.hpp"
#include "vfe/data/recoding.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/run/posterior.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/statistics/quantile.hpp"
#include "vfe/statistics/weights.hpp"

namespace vfe {
namespace {

/// Rows predicted together, whatever the blocks of the file: the numbers of a row must not depend on the rank
/// that works on it, and all draws of the rows in work are in memory.
constexpr Index piece_rows = 256;

constexpr double low = 0.05, high = 0.95;

/// Rows of the new dataset in the coding of the fit, by any range.
class RecodedRows {
 public:
  RecodedRows(const Dataset& data, const Schema& coding) : data_(data), recoding_(data, coding) {}

  const Recoding& recoding() const { return recoding_; }

  /// Rows [first, last) as block `piece` of their own.
  Rows read(Index first, Index last, Index piece) {
    Rows rows;
    rows.first_row = first;
    rows.first_block = piece;
    rows.blocks = Blocks::of_equal(last - first, last - first);
    rows.y.resize(last - first);
    Rows::RowMajor<double> x;
    for (Index row = first; row < last;) {
      const Rows& block = block_of(row);
      const auto& block_x = std::get<Rows::RowMajor<double>>(block.x);
      const Index from = row - block.first_row, count = std::min(last - row, block.size() - from);
      x.conservativeResize(last - first, block_x.cols());
      x.middleRows(row - first, count) = block_x.middleRows(from, count);
      rows.y.segment(row - first, count) = block.y.segment(from, count);
      if (block.offset.size() > 0) {
        rows.offset.conservativeResize(last - first);
        rows.offset.segment(row - first, count) = block.offset.segment(from, count);
      }
      row += count;
    }
    rows.x = std::move(x);
    return rows;
  }

 private:
  const Rows& block_of(Index row) {
    const Index block = data_.schema().blocks.block_of(row);
    if (block != block_) current_ = recoding_(data_.read({block, block + 1}));
    block_ = block;
    return current_;
  }

  const Dataset& data_;
  Recoding recoding_;
  Index block_ = -1;
  Rows current_;
};

/// The numbers kept of each row, in this order: y, log density, then the probability of each class or mean,
/// sd and the three quantiles.
struct Layout {
  Prediction::Kind kind = Prediction::Kind::number;
  Index num_classes = 0;  ///< of classes; else 0
  Index width() const { return 2 + (num_classes > 0 ? num_classes : 5); }
};

void summarise_row(const Prediction& prediction, Index row, double* out) {
  *out++ = log_mean_exp(prediction.log_density.row(row).transpose());
  if (prediction.kind == Prediction::Kind::classes) {
    for (const Matrix& probability : prediction.probability) *out++ = probability.row(row).mean();
    return;
  }
  const Vector responses = prediction.response.row(row);
  const double centre = responses.mean();
  std::vector<double> sorted(responses.data(), responses.data() + responses.size());
  std::ranges::sort(sorted);
  *out++ = prediction.mean.row(row).mean();
  *out++ = std::sqrt((responses.array() - centre).square().sum() /
                     static_cast<double>(std::max<Index>(responses.size() - 1, 1)));
  for (const double probability : {low, 0.5, high}) *out++ = sorted_quantile(sorted, probability);
}

Matrix thinned(const Matrix& theta, Index count) {
  Matrix some(theta.rows(), std::min(count, theta.cols()));
  for (Index s = 0; s < some.cols(); ++s) some.col(s) = theta.col(s * theta.cols() / some.cols());
  return some;
}

/// The predictions of one rank's pieces, row after row; what it returns is to be gathered.
class Predictor {
 public:
  /// Throws Fault::usage where the fit is of a model that cannot predict.
  Predictor(const PredictOptions& options, const SavedFit& saved)
      : options_(options),
        saved_(checked(options, saved)),
        data_(options.data),
        rows_(data_, *saved.schema),
        theta_(thinned(unconstrained_draws(saved.file, glm_parameters(saved.config.model.glm, *saved.schema)),
                       options.draws)),
        first_{.seed = options.seed.value_or(saved.config.fit.seed), .purpose = Purpose::predict} {
    piece_schema_ = *saved.schema;
    piece_schema_.blocks = Blocks::of_equal(data_.schema().num_rows(), piece_rows);
    piece_schema_.has_weight = false;
    piece_schema_.source = data_.path().string();
  }

  const Dataset& data() const { return data_; }
  const Layout& layout() const { return layout_; }
  const std::vector<std::string>& notes() const { return rows_.recoding().notes(); }
  Index num_draws() const { return theta_.cols(); }
  Index num_pieces() const { return piece_schema_.num_blocks(); }

  /// Sets the layout: that of the pieces, of which a rank may have none.
  std::vector<double> predict(BlockRange pieces) {
    std::vector<double> numbers;
    for (Index piece = pieces.first; piece < pieces.last; ++piece) {
      const Index first = piece_schema_.blocks.first(piece), last = piece_schema_.blocks.last(piece);
      Rows rows = rows_.read(first, last, piece);
      const Vector y = rows.y;
      const auto model = built_in_model(saved_.config, rows_in_memory(piece_schema_, std::move(rows)));
      const std::optional<Prediction> prediction = model->predict(0, theta_, first_, true);
      if (!prediction) refuse(options_, saved_);
      layout_.kind = prediction->kind;
      layout_.num_classes = std::ssize(prediction->probability);
      for (Index row = 0; row < last - first; ++row) {
        numbers.push_back(y[row]);
        numbers.resize(numbers.size() + static_cast<std::size_t>(layout_.width() - 1));
        summarise_row(*prediction, row,
                      &numbers[numbers.size() - static_cast<std::size_t>(layout_.width() - 1)]);
      }
    }
    return numbers;
  }

  /// [collective] Of a rank without pieces, too.
  void agree_on_layout(const Communicator& comm) {
    std::int64_t agreed[] = {static_cast<std::int64_t>(layout_.kind), layout_.num_classes};
    comm.max(agreed);
    layout_ = {static_cast<Prediction::Kind>(agreed[0]), agreed[1]};
  }

 private:
  [[noreturn]] static void refuse(const PredictOptions& options, const SavedFit& saved) {
    throw Error(
        Fault::usage,
        fmt::format("{}: a fit with model.type = {}, expected one of a likelihood: what another model "
                    "predicts, it says itself (a Stan program in its generated quantities)",
                    options.run.string(), saved.config.model.type));
  }
  static const SavedFit& checked(const PredictOptions& options, const SavedFit& saved) {
    if (!saved.schema || !built_in_model(saved.config, no_rows(*saved.schema))) refuse(options, saved);
    return saved;
  }

  const PredictOptions& options_;
  const SavedFit& saved_;
  Dataset data_;
  RecodedRows rows_;
  Matrix theta_;
  Address first_;  ///< of what is simulated
  Schema piece_schema_;
  Layout layout_;  ///< of the pieces predicted
};

/// Rows x width, as Layout orders the columns.
using Table = Eigen::Map<const Rows::RowMajor<double>>;

std::vector<double> column(const Table& table, Index j) {
  const Vector values = table.col(j);
  return {values.data(), values.data() + values.size()};
}

void score(const Table& table, const Layout& layout, PredictReport& report) {
  const Eigen::ArrayXd y = table.col(0);
  report.rows = table.rows();
  report.mean_log_density = table.col(1).mean();
  if (layout.num_classes > 0) {
    double right = 0.0, squares = 0.0;
    for (Index row = 0; row < table.rows(); ++row) {
      const auto observed = static_cast<Index>(y[row]);
      Vector probability = table.row(row).tail(layout.num_classes);
      Index best = 0;
      probability.maxCoeff(&best);
      right += best == observed ? 1.0 : 0.0;
      probability[observed] -= 1.0;
      squares += probability.squaredNorm();
    }
    report.accuracy = right / static_cast<double>(table.rows());
    report.brier = squares / static_cast<double>(table.rows());
    return;
  }
  const Eigen::ArrayXd mean = table.col(2), from = table.col(4), to = table.col(6);
  if (layout.kind == Prediction::Kind::binary) {
    report.accuracy = ((mean > 0.5) == (y > 0.5)).cast<double>().mean();
    report.brier = (mean - y).square().mean();
  } else {
    report.rmse = std::sqrt((mean - y).square().mean());
    report.coverage = (from <= y && y <= to).cast<double>().mean();
  }
}

void write_predictions(const PredictOptions& options, const SavedFit& saved, const Predictor& predictor,
                       const Table& table, const PredictReport& report) {
  const Layout& layout = predictor.layout();
  const Dimension rows{"obs_id", table.rows(), {}};
  Group predictions{"predictions", {}};
  if (layout.num_classes > 0) {
    const Rows::RowMajor<double> probability = table.rightCols(layout.num_classes);
    predictions.variables.push_back({"probability",
                                     {rows, {"class", layout.num_classes, saved.schema->response_levels}},
                                     {probability.data(), probability.data() + probability.size()}});
  } else {
    Index j = 2;
    for (const char* name : {"mean", "sd", "q5", "q50", "q95"}) {
      predictions.variables.push_back({name, {rows}, column(table, j++)});
    }
  }
  predictions.variables.push_back({"log_density", {rows}, column(table, 1)});
  const std::vector<std::int64_t> lines = predictor.data().lines(0, table.rows());
  if (!lines.empty()) predictions.variables.push_back({"line", {rows}, {lines.begin(), lines.end()}, true});

  ResultFile file;
  file.groups = {std::move(predictions), {"observed_data", {{"y", {rows}, column(table, 0)}}}};
  put_verdict(saved.verdict, file.attributes);
  file.attributes["data"] = printable(options.data.string());
  file.attributes["source"] = predictor.data().schema().source;
  file.attributes["draws"] = std::int64_t{report.draws};
  file.attributes["version"] = std::string(VFE_VERSION);
  file.attributes["mean_log_density"] = report.mean_log_density;
  const auto put = [&](const std::string& name, const std::optional<double>& value) {
    if (value) file.attributes[name] = *value;
  };
  put("rmse", report.rmse);
  put("accuracy", report.accuracy);
  put("brier", report.brier);
  put("coverage", report.coverage);
  write_result(options.output, file);
}

}  // namespace

PredictReport predict(const Communicator& comm, const PredictOptions& options) {
  if (options.draws < 1) {
    throw Error(Fault::usage, fmt::format("predicting: found {} draws, expected at least 1", options.draws));
  }
  SavedFit saved;
  std::optional<Predictor> predictor;
  std::vector<double> own;
  comm.collectively("predicting", [&] {
    saved = read_saved_fit(options.run, WithDraws::yes);
    predictor.emplace(options, saved);
    own = predictor->predict(shard(predictor->num_pieces(), comm.rank(), comm.size()));
  });
  predictor->agree_on_layout(comm);

  // Pieces are runs of rows in the order of the ranks.
  const std::vector<double> all = comm.gather(std::span<const double>(own));
  PredictReport report;
  report.draws = predictor->num_draws();
  report.rows = predictor->data().schema().num_rows();
  report.notes = predictor->notes();
  if (!trusted(saved.verdict.grade)) {
    report.notes.push_back(fmt::format("the verdict on the fit is {}: {}", to_string(saved.verdict.grade),
                                       saved.verdict.reason));
  }
  comm.on_root("writing the predictions", [&] {
    const Index width = predictor->layout().width();
    const Table table(all.data(), static_cast<Index>(all.size()) / width, width);
    score(table, predictor->layout(), report);
    write_predictions(options, saved, *predictor, table, report);
  });
  return report;
}

std::string to_text(const PredictReport& report) {
  std::string text = fmt::format("{} rows, {} draws\nmean log predictive density {:.4f} nats\n", report.rows,
                                 report.draws, report.mean_log_density);
  if (report.rmse) text += fmt::format("RMSE {:.4g}\n", *report.rmse);
  if (report.coverage)
    text += fmt::format("{:.1f} % of the rows within their 90 % interval\n", 100.0 * *report.coverage);
  if (report.accuracy) text += fmt::format("accuracy {:.4f}\n", *report.accuracy);
  if (report.brier) text += fmt::format("Brier score {:.4f}\n", *report.brier);
  return text;
}

}  // namespace vfe
