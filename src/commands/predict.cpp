#include "vfe/commands/predict.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "commands/prediction_rows.hpp"
#include "commands/prediction_table.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/problem/table_design.hpp"
#include "vfe/run/posterior.hpp"

namespace vfe {
namespace {

Matrix thinned(const Matrix& theta, Index count) {
  Matrix some(theta.rows(), std::min(count, theta.cols()));
  for (Index s = 0; s < some.cols(); ++s) some.col(s) = theta.col(s * theta.cols() / some.cols());
  return some;
}

/// Predicts pieces of rows; what it returns is to be gathered.
class Predictor {
 public:
  /// Throws Fault::usage where the fit is of a model that cannot predict.
  Predictor(const PredictOptions& options, const SavedFit& saved)
      : options_(options),
        saved_(checked(options, saved)),
        design_(saved_design(saved.config, *saved.design, saved.table->table)),
        rows_(prediction_rows(options, saved, design_->formula())),
        theta_(
            thinned(unconstrained_draws(
                        saved.file, glm_parameters(glm_options(saved.config, *saved.design), *saved.design)),
                    options.draws)),
        first_{.seed = options.seed.value_or(saved.config.fit.seed), .purpose = Purpose::predict} {
    layout_.shown = rows_->shown();
    layout_.kind = prediction_kind(saved.config.model.glm.likelihood);
    if (layout_.kind == Prediction::Kind::classes)
      layout_.num_classes = std::ssize(saved.design->response_levels);
  }

  const PredictionLayout& layout() const { return layout_; }
  std::string source() const { return rows_->source(); }
  Index num_draws() const { return theta_.cols(); }

  /// The numbers of the rows of piece k, as the layout orders them; none where there is no such piece.
  std::optional<std::vector<double>> predict(Index k) {
    try {
      const std::optional<PredictionRows::Piece> piece = rows_->piece(k);
      if (!piece) return std::nullopt;
      return predict(*piece, k);
    } catch (const RowError& error) {
      throw Error(error.fault(), fmt::format("{}: {}: {}", options_.data.string(),
                                             rows_->name_row(error.row()), error.found()));
    }
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
    if (!saved.table || !saved.design || !saved.config.model.is_glm()) refuse(options, saved);
    return saved;
  }

  DesignSchema piece_schema(Index rows) const {
    DesignSchema schema = *saved_.design;
    schema.blocks = Blocks::of_equal(rows, rows);
    schema.may_lack_response = true;
    return schema;
  }

  /// NaN where it is missing.
  Vector response(const TableRows& rows) const {
    const std::vector<bool> is_known = known_rows(rows);
    Vector y = Vector::Constant(rows.num_rows, nan);
    for (Index row = 0; row < rows.num_rows;) {
      Index end = row;
      while (end < rows.num_rows && is_known[static_cast<std::size_t>(end)]) ++end;
      if (end > row) {
        const TableRows known = rows.some(row, end - row);
        Vector some;
        vfe::refuse(design_->evaluate_response(known, some), known);
        y.segment(row, end - row) = some;
      }
      row = end + 1;
    }
    return y;
  }

  std::vector<bool> known_rows(const TableRows& rows) const {
    std::vector<bool> is_known(static_cast<std::size_t>(rows.num_rows), true);
    const TableSchema& table = saved_.table->table;
    const std::vector<Index> slots = table.slots();
    for (const std::string& name : design_->formula().response_columns(table)) {
      const Index column = table.find(name), slot = slots[static_cast<std::size_t>(column)];
      Vector values(rows.num_rows);
      if (table[column].type == ColumnType::number) rows.read_number(slot, values);
      if (table[column].type == ColumnType::integer) rows.read_integer(slot, values);
      for (Index row = 0; row < rows.num_rows; ++row) {
        const bool is_missing =
            table[column].type == ColumnType::factor ? rows.codes(row, slot) < 0 : std::isnan(values[row]);
        if (is_missing) is_known[static_cast<std::size_t>(row)] = false;
      }
    }
    return is_known;
  }

  std::vector<double> predict(const PredictionRows::Piece& piece, Index k) {
    const TableRows& table = piece.rows;
    DesignRows evaluated;
    vfe::refuse(design_->evaluate_terms(table, evaluated), table);
    Rows rows = coded_rows(*saved_.design, std::move(evaluated), false);
    rows.first_row = table.first_row;
    rows.first_block = k;
    rows.blocks = Blocks::of_equal(table.num_rows, table.num_rows);
    rows.y = response(table);
    const Vector y = rows.y;
    const bool is_observed = !y.array().isNaN().all();
    const DesignSchema schema = piece_schema(table.num_rows);
    const auto model = built_in_model(saved_.config, rows_in_memory(schema, std::move(rows)));
    const std::optional<Prediction> prediction = model->predict(0, theta_, first_, is_observed);
    if (!prediction) refuse(options_, saved_);

    std::vector<double> numbers(static_cast<std::size_t>(table.num_rows * layout_.width()), nan);
    for (Index row = 0; row < table.num_rows; ++row) {
      double* out = &numbers[static_cast<std::size_t>(row * layout_.width())];
      summarise(*prediction, layout_, row, out);
      out[0] = y[row];
      if (std::isnan(y[row])) out[1] = nan;
      if (!piece.lines.empty())
        out[layout_.line()] = static_cast<double>(piece.lines[static_cast<std::size_t>(row)]);
      show(table, row, out + layout_.line() + 1);
    }
    return numbers;
  }

  void show(const TableRows& rows, Index row, double* out) const {
    const TableSchema& table = saved_.table->table;
    const std::vector<Index> slots = table.slots();
    for (const Index column : layout_.shown) {
      const Index slot = slots[static_cast<std::size_t>(column)];
      const ColumnType type = table[column].type;
      *out++ = type == ColumnType::factor    ? rows.codes(row, slot)
               : type == ColumnType::integer ? static_cast<double>(rows.integers(row, slot))
                                             : std::get<TableRows::RowMajor<double>>(rows.numbers)(row, slot);
    }
  }

  const PredictOptions& options_;
  const SavedFit& saved_;
  std::shared_ptr<const Design> design_;
  std::unique_ptr<PredictionRows> rows_;
  Matrix theta_;
  Address first_;  ///< of what is simulated
  PredictionLayout layout_;
};

}  // namespace

PredictReport predict(const Communicator& comm, const PredictOptions& options) {
  if (options.draws < 1) {
    throw Error(Fault::usage, fmt::format("predicting: found {} draws, expected at least 1", options.draws));
  }
  if (options.data == "-" && comm.size() > 1) {
    throw Error(Fault::usage, "predicting: standard input reaches one rank alone; give a file");
  }
  SavedFit saved;
  std::optional<Predictor> predictor;
  comm.collectively("predicting", [&] {
    saved = read_saved_fit(options.run, WithDraws::yes);
    predictor.emplace(options, saved);
  });

  // In rounds of a piece for each rank: gathered in the order of ranks is in the order of pieces.
  std::vector<double> all;
  for (Index first = 0;; first += comm.size()) {
    std::vector<double> own;
    comm.collectively("predicting", [&] {
      if (auto numbers = predictor->predict(first + comm.rank())) own = std::move(*numbers);
    });
    const std::vector<double> round = comm.gather(std::span<const double>(own));
    all.insert(all.end(), round.begin(), round.end());
    std::int64_t is_last = own.empty() ? 1 : 0;
    comm.max({&is_last, 1});
    if (is_last == 1) break;
  }
  PredictReport report;
  report.draws = predictor->num_draws();
  if (!trusted(saved.verdict.grade)) {
    report.notes.push_back(fmt::format("the verdict on the fit is {}: {}", to_string(saved.verdict.grade),
                                       saved.verdict.reason));
  }
  comm.on_root("writing the predictions", [&] {
    const PredictionLayout& layout = predictor->layout();
    const Index width = layout.width();
    report.rows = static_cast<Index>(all.size()) / width;
    if (report.rows == 0)
      throw Error(Fault::data, fmt::format("{}: no rows to predict", options.data.string()));
    const PredictionTable table{layout, {all.data(), report.rows, width}, predictor->source()};
    score(table, report);
    write_predictions(options, saved, table, report);
  });
  return report;
}

std::string to_text(const PredictReport& report) {
  std::string text = fmt::format("{} rows, {} draws\n", report.rows, report.draws);
  if (report.observed == 0) return text + "no responses to judge the predictions by\n";
  if (report.observed < report.rows)
    text += fmt::format("{} rows have a response to judge the predictions by\n", report.observed);
  text += fmt::format("mean log predictive density {:.4f} nats\n", *report.mean_log_density);
  if (report.rmse) text += fmt::format("RMSE {:.4g}\n", *report.rmse);
  if (report.coverage)
    text += fmt::format("{:.1f} % of the rows within their 90 % interval\n", 100.0 * *report.coverage);
  if (report.accuracy) text += fmt::format("accuracy {:.4f}\n", *report.accuracy);
  if (report.brier) text += fmt::format("Brier score {:.4f}\n", *report.brier);
  if (report.calibration) {
    text += fmt::format(
        "in ten groups by their chance, expected and observed shares differ by at most {:.4f} ({:.1f} "
        "standard "
        "errors)\n",
        report.calibration->difference, report.calibration->errors);
  }
  return text;
}

}  // namespace vfe
