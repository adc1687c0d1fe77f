#include "vfe/commands/predict.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "commands/drawn_effects.hpp"
#include "commands/prediction_rows.hpp"
#include "commands/prediction_table.hpp"
#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/numbers.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/mixed.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/problem/table_design.hpp"
#include "vfe/run/posterior.hpp"

namespace vfe {
namespace {

ChosenDraws thinned(const Matrix& theta, Index count, std::uint64_t seed) {
  ChosenDraws some{Matrix(theta.rows(), std::min(count, theta.cols())), {}, seed};
  for (Index s = 0; s < some.theta.cols(); ++s) {
    some.places.push_back(s * theta.cols() / some.theta.cols());
    some.theta.col(s) = theta.col(some.places.back());
  }
  return some;
}

std::unique_ptr<const Mixed> effects_model(const SavedFit& saved) {
  if (saved.design->effects.empty()) return nullptr;
  return std::make_unique<const Mixed>(glm_options(saved.config, *saved.design), no_rows(*saved.design));
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
        mixed_(effects_model(saved)),
        draws_(thinned(
            unconstrained_draws(
                saved.file, mixed_ ? mixed_->parameters()
                                   : glm_parameters(glm_options(saved.config, *saved.design), *saved.design)),
            options.draws, options.seed.value_or(saved.config.fit.seed))),
        first_{.seed = draws_.seed, .purpose = Purpose::predict} {
    for (std::size_t e = 0; e < saved.design->effects.size(); ++e) effects_.push_back(drawn_effects(e));
    layout_.shown = rows_->shown();
    layout_.kind = prediction_kind(saved.config.model.glm.likelihood);
    if (layout_.kind == Prediction::Kind::classes)
      layout_.num_classes = std::ssize(saved.design->response_levels);
  }

  const PredictionLayout& layout() const { return layout_; }
  std::string source() const { return rows_->source(); }
  Index num_draws() const { return draws_.theta.cols(); }

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

  /// [collective] Once all is predicted: what a reader must know of effects of groups. On rank 0.
  std::vector<std::string> notes(const Communicator& comm) const {
    std::vector<std::string> notes, by_moments, unknown;
    for (const std::unique_ptr<DrawnEffects>& effects : effects_) {
      if (!effects) continue;
      const std::string found = effects->describe_new(comm);
      if (!found.empty()) unknown.push_back(found);
      if (effects->are_by_moments()) by_moments.push_back(effects->grouping());
    }
    if (!unknown.empty()) {
      notes.push_back(fmt::format(
          "groups that the fit did not know: {}; their effects are drawn from the distribution of groups",
          fmt::join(unknown, ", ")));
    }
    if (!by_moments.empty()) {
      notes.push_back(
          fmt::format("of the effects of {} the result has means and sds alone, of which they are "
                      "drawn apart from the parameters and from each other: output.group_effects "
                      "= \"draws\" would be better",
                      fmt::join(by_moments, ", ")));
    }
    return notes;
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

  /// Null where they are left out.
  std::unique_ptr<DrawnEffects> drawn_effects(std::size_t grouping) const {
    const GroupEffects& of = saved_.design->effects[grouping];
    const bool is_named = std::ranges::all_of(of.keys, [&](Index key) {
      return rows_->has(saved_.design->keys[static_cast<std::size_t>(key)].name);
    });
    if (options_.groups == GroupsOfRows::exclude) return nullptr;
    if (options_.groups == GroupsOfRows::include && !is_named) return nullptr;  // of a grid
    auto effects = std::make_unique<DrawnEffects>(*mixed_, of, grouping, draws_);
    if (options_.groups == GroupsOfRows::include) effects->take_known(saved_);
    return effects;
  }

  /// What names the group of each row, as a result does; of a key that is missing nothing.
  std::vector<std::string> names_of_groups(const GroupEffects& effects, const TableRows& rows) const {
    std::vector<std::string> names(static_cast<std::size_t>(rows.num_rows));
    const TableSchema& table = saved_.table->table;
    for (const Index key : effects.keys) {
      const Index column = table.find(saved_.design->keys[static_cast<std::size_t>(key)].name);
      const Index slot = table.slots()[static_cast<std::size_t>(column)];
      for (Index row = 0; row < rows.num_rows; ++row) {
        std::string& name = names[static_cast<std::size_t>(row)];
        if (key != effects.keys.front()) name += ':';
        name += name_of_key(column, slot, rows, row);
      }
    }
    return names;
  }

  std::string name_of_key(Index column, Index slot, const TableRows& rows, Index row) const {
    const TableColumn& of = saved_.table->table[column];
    if (of.type == ColumnType::factor) {
      const std::int32_t code = rows.codes(row, slot);
      return code < 0 ? "" : rows_->level(column, code);
    }
    const std::int64_t number = rows.integers(row, slot);
    return number == TableRows::missing_integer ? "" : fmt::format("{}", number);
  }

  /// Rows x draws; no columns where all are left out.
  Matrix offset_by_effects(const TableRows& table, const Matrix& numbers) {
    if (std::ranges::none_of(effects_, [](const auto& effects) { return bool(effects); }))
      return Matrix(table.num_rows, 0);
    Matrix offset = Matrix::Zero(table.num_rows, num_draws());
    for (std::size_t e = 0; e < effects_.size(); ++e) {
      const GroupEffects& of = saved_.design->effects[e];
      if (!effects_[e]) continue;
      effects_[e]->add_to(offset, numbers.middleCols(of.first_column, of.size()), names_of_groups(of, table));
    }
    return offset;
  }

  DesignSchema piece_schema(Index rows) const {
    DesignSchema schema = without_effects(*saved_.design);
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
    const Matrix offset = offset_by_effects(table, std::exchange(evaluated.effects, {}));
    const DesignSchema schema = piece_schema(table.num_rows);
    Rows rows = coded_rows(schema, std::move(evaluated), false);
    rows.first_row = table.first_row;
    rows.first_block = k;
    rows.blocks = Blocks::of_equal(table.num_rows, table.num_rows);
    rows.y = response(table);
    const Vector y = rows.y;
    const bool is_observed = !y.array().isNaN().all();
    const Glm model(glm_options(saved_.config, schema), rows_in_memory(schema, std::move(rows)));
    const Prediction prediction =
        model.predict(0, draws_.theta.topRows(model.parameters().size()), offset, first_, is_observed);

    std::vector<double> numbers(static_cast<std::size_t>(table.num_rows * layout_.width()), nan);
    for (Index row = 0; row < table.num_rows; ++row) {
      double* out = &numbers[static_cast<std::size_t>(row * layout_.width())];
      summarise(prediction, layout_, row, out);
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
  std::unique_ptr<const Mixed> mixed_;  ///< where the fit has effects of groups
  ChosenDraws draws_;
  std::vector<std::unique_ptr<DrawnEffects>> effects_;  ///< by grouping; null: left out
  Address first_;                                       ///< of what is simulated
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
  for (const std::string& note : predictor->notes(comm)) report.notes.push_back(note);
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
