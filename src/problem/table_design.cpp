#include "vfe/problem/table_design.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>
#include <utility>

#include "problem/need_reduction.hpp"
#include "problem/number_moments.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/formula/syntax.hpp"

namespace vfe {
namespace {

using NameRow = std::function<std::string(Index row)>;

const char* const reading = "reading the rows of the formula";

FormulaTerms formula_terms(const std::string& formula, const GlmOptions* model, const TableSchema& table) {
  FormulaTerms terms = expand_terms(parse_formula(formula), table);
  const bool wants_levels = model != nullptr && has_classes(model->likelihood);
  if (wants_levels && !terms.response.is_factor()) {
    terms.response.kind = FormulaVariable::Kind::numbers_factor;
    terms.response.width = 0;
  }
  return terms;
}

/// Calls `use` on each block of the shard.
void for_each_block(const TableSource& rows, const std::function<void(const TableRows&)>& use) {
  for (Index b = 0; b < rows.blocks().num_blocks(); ++b) use(rows.read({b, b + 1}));
}

/// Runs `work` on each rank, whose rows are named.
void over_rows(const Communicator& comm, const NameRow& name_row, const std::function<void()>& work) {
  comm.collectively(reading, [&] {
    try {
      work();
    } catch (const RowError& error) {
      throw Error(error.fault(), fmt::format("{}: {}", name_row(error.row()), error.found()));
    }
  });
}

std::vector<Vector> find_statistics(const Communicator& comm, const DesignPlan& plan, const TableSource& rows,
                                    const NameRow& name_row) {
  DesignStatistics statistics(plan.needs());
  while (!statistics.is_known()) {
    std::vector<NeedSums> pass = statistics.begin_pass();
    over_rows(comm, name_row, [&] {
      for_each_block(rows, [&](const TableRows& block) { refuse(statistics.add(block, pass), block); });
    });
    reduce(comm, pass);
    comm.collectively(reading, [&] { statistics.end_pass(pass); });
  }
  return statistics.values();
}

/// Numbers of the rows whose moments a design is coded by: those of the formula, the response where it is a
/// number, the columns of the table that terms are made of.
class MomentColumns {
 public:
  MomentColumns(const Design& design, const TableSchema& table) : design_(design) {
    const std::vector<Index> slots = table.slots();
    for (const std::string& name : design.formula().needed_columns(table)) {
      const Index column = table.find(name);
      const ColumnType type = table[column].type;
      if (type != ColumnType::number && type != ColumnType::integer) continue;
      raw_.push_back({name, type, slots[static_cast<std::size_t>(column)]});
    }
  }

  Index response() const { return design_.num_numbers(); }
  Index size() const { return response() + 1 + static_cast<Index>(raw_.size()); }

  Matrix evaluate(const TableRows& rows) {
    refuse(design_.evaluate(rows, evaluated_), rows);
    Matrix numbers(rows.num_rows, size());
    numbers.leftCols(response()) = evaluated_.numbers;
    numbers.col(response()) = evaluated_.response;
    for (std::size_t k = 0; k < raw_.size(); ++k) {
      Vec values = numbers.col(response() + 1 + static_cast<Index>(k));
      if (raw_[k].type == ColumnType::number) {
        rows.read_number(raw_[k].slot, values);
      } else {
        rows.read_integer(raw_[k].slot, values);
      }
    }
    return numbers;
  }

  std::map<std::string, NumberRange> ranges(const NumberMoments& moments) const {
    std::map<std::string, NumberRange> ranges;
    for (std::size_t k = 0; k < raw_.size(); ++k) {
      const Index j = response() + 1 + static_cast<Index>(k);
      ranges[raw_[k].name] = {moments.low[j], moments.mean[j], moments.high[j]};
    }
    return ranges;
  }

 private:
  struct Raw {
    std::string name;
    ColumnType type;
    Index slot;
  };
  const Design& design_;
  std::vector<Raw> raw_;
  DesignRows evaluated_;
};

/// Whether an intercept, or a term that stands for one, takes what centring takes away.
bool spans_a_constant(const DesignSchema& schema) {
  return schema.has_intercept || schema.constant_term >= 0;
}

/// Makes terms of coded numbers.
class Coding {
 public:
  /// Without `moments` all is as it is.
  Coding(const Design& design, const NumberMoments* moments) : design_(design), moments_(moments) {
    schema_.formula = design.formula().formula;
    schema_.statistics = design.statistics();
    schema_.has_intercept = design.has_intercept();
    if (!schema_.has_intercept) schema_.constant_term = find_constant_term();
    const std::vector<std::string> names = design.coefficient_names();
    for (const DesignTerm& term : design.terms()) add(term, names);
    schema_.keys = design.keys();
    schema_.effects = design.effects();
    for (std::size_t e = 0; e < schema_.effects.size(); ++e)
      code(design.effect_terms()[e], schema_.effects[e]);
  }

  DesignSchema result() { return std::move(schema_); }

 private:
  Index find_constant_term() const {
    for (std::size_t t = 0; t < design_.terms().size(); ++t) {
      const std::vector<bool>& is_full = design_.formula().terms[t].is_full;
      if (design_.terms()[t].column < 0 && std::ranges::all_of(is_full, [](bool full) { return full; }))
        return static_cast<Index>(t);
    }
    return -1;
  }

  /// The term that takes what centring takes away from one of cells; -1: none.
  Index term_of_cells(Index index) const {
    const auto found = std::ranges::find_if(
        design_.terms(), [&](const DesignTerm& other) { return other.column < 0 && other.index == index; });
    return found == design_.terms().end() ? -1 : found - design_.terms().begin();
  }

  CodedNumber coded(Index number, bool is_centred, bool has_constant) const {
    if (moments_ == nullptr) return {number};
    const double mean = moments_->mean[number], sd = moments_->sd[number];
    const double scale = has_constant ? sd : std::hypot(mean, sd);
    // A spread that is none, or that underflows or overflows, cannot be divided by.
    return {number, is_centred ? mean : 0.0, std::isnormal(scale) ? scale : 1.0};
  }

  void add(DesignTerm term, const std::vector<std::string>& names) {
    Index absorber = schema_.constant_term;
    bool is_centred = moments_ != nullptr && term.column >= 0 && spans_a_constant(schema_);
    if (is_centred && term.index >= 0) {
      absorber = term_of_cells(term.index);
      is_centred = absorber >= 0;
    }
    const Index numbers = term.column;
    if (term.column >= 0) {
      const auto [place, is_new] =
          runs_.try_emplace({term.column, is_centred}, static_cast<Index>(schema_.numbers.size()));
      for (Index j = 0; is_new && j < term.width; ++j)
        schema_.numbers.push_back(coded(numbers + j, is_centred, spans_a_constant(schema_)));
      term.column = place->second;
    }
    for (Index k = 0; k < term.num_coefficients(); ++k) {
      Column column{.name = names[static_cast<std::size_t>(term.first_coefficient + k)], .source = term.name};
      if (numbers >= 0) {
        const CodedNumber& of = schema_.numbers[static_cast<std::size_t>(term.column + k % term.width)];
        column.centre = of.centre;
        column.scale = of.scale;
      }
      if (is_centred) column.absorber = absorber;
      schema_.columns.push_back(std::move(column));
    }
    schema_.terms.push_back(std::move(term));
  }

  /// By the moments that fixed terms are coded by; a group's own intercept takes what centring takes away,
  /// and nothing does of numbers by cells.
  void code(const std::vector<DesignTerm>& terms, GroupEffects& effects) const {
    for (const DesignTerm& term : terms) {
      for (Index k = 0; term.column >= 0 && k < term.num_coefficients(); ++k) {
        const CodedNumber of = coded(term.column + k % term.width, effects.has_intercept && term.index < 0,
                                     effects.has_intercept);
        Column& column =
            effects.columns[static_cast<std::size_t>(term.first_coefficient + k - effects.first_column)];
        column.centre = of.centre;
        column.scale = of.scale;
      }
    }
  }

  const Design& design_;
  const NumberMoments* moments_;
  DesignSchema schema_;
  std::map<std::pair<Index, bool>, Index>
      runs_;  ///< of coded numbers, by the first and whether it is centred
};

std::vector<std::string> notes_on(const Design& design, const DesignSchema& schema,
                                  const NumberMoments& moments) {
  std::vector<std::string> notes, constant;
  for (const DesignTerm& term : schema.terms) {
    for (Index j = 0; term.column >= 0 && j < term.width; ++j) {
      const Index number = schema.numbers[static_cast<std::size_t>(term.column + j)].number;
      if (schema.has_intercept && moments.sd[number] == 0.0 && term.index < 0)
        constant.push_back(schema.columns[static_cast<std::size_t>(term.first_coefficient + j)].name);
    }
  }
  for (std::size_t e = 0; e < schema.effects.size(); ++e) {
    const GroupEffects& effects = schema.effects[e];
    for (const DesignTerm& term : design.effect_terms()[e]) {
      for (Index j = 0; term.column >= 0 && term.index < 0 && j < term.width; ++j) {
        const Index column = term.first_coefficient + j - effects.first_column;
        if (effects.has_intercept && moments.sd[term.column + j] == 0.0)
          constant.push_back(
              fmt::format("{} of {}", effects.columns[static_cast<std::size_t>(column)].name, effects.name));
      }
    }
  }
  if (!constant.empty()) {
    notes.push_back(fmt::format(
        "the same in every row, so that the prior alone speaks of the coefficient: {}", listed(constant)));
  }
  for (const GroupEffects& effects : schema.effects) {
    const bool is_one_group = std::ranges::all_of(
        effects.keys, [&](Index key) { return schema.keys[static_cast<std::size_t>(key)].num_levels == 1; });
    if (is_one_group) {
      notes.push_back(fmt::format("{} has one group, so that its effects are not told from the coefficients",
                                  effects.name));
    }
  }
  const std::vector<std::string> empty = design.empty_cells();
  if (!empty.empty()) {
    notes.push_back(fmt::format("no rows, and so no coefficient: {}", listed(empty)));
  }
  return notes;
}

/// Around a response that is the same in every row the density of sigma has no bound.
void require_varied(const GlmOptions& model, const NumberMoments& moments, Index response,
                    const DesignSchema& schema) {
  if (!is_real(model.likelihood) || !schema.response_levels.empty() || model.known_sigma) return;
  if (moments.low[response] < moments.high[response]) return;
  throw Error(Fault::data, fmt::format("response \"{}\" is {} in every row, expected different values: there "
                                       "is nothing to explain",
                                       schema.response, moments.mean[response]));
}

/// Centre and scale of a real response.
void code_response(const GlmOptions& model, const NumberMoments& moments, Index response,
                   DesignSchema& schema) {
  if (!is_real(model.likelihood) || !schema.response_levels.empty()) return;
  const double mean = moments.mean[response], sd = moments.sd[response];
  const bool has_constant = spans_a_constant(schema);
  const double scale = has_constant ? sd : std::hypot(mean, sd);
  schema.response_centre = has_constant ? mean : 0.0;
  schema.response_scale = std::isnormal(scale) ? scale : 1.0;
}

}  // namespace

TableDesign fit_design(const Communicator& comm, const std::string& formula, const GlmOptions* model,
                       const TableSource& rows, const NameRow& name_row) {
  const TableSchema& table = rows.schema().table;
  DesignPlan plan(formula_terms(formula, model, table), table);  // of what all ranks know
  const std::vector<Vector> statistics = find_statistics(comm, plan, rows, name_row);
  TableDesign result{std::make_shared<const Design>(std::move(plan), statistics), {}, {}};
  const Design& design = *result.design;

  MomentColumns columns(design, table);
  NumberMoments moments;
  if (model != nullptr) {
    moments = number_moments(comm, columns.size(), [&](const auto& add) {
      over_rows(comm, name_row,
                [&] { for_each_block(rows, [&](const TableRows& block) { add(columns.evaluate(block)); }); });
    });
  }
  comm.collectively(reading, [&] {
    const bool is_coded = model != nullptr && model->priors_on == PriorsOn::standardised;
    Coding coding(design, is_coded ? &moments : nullptr);
    DesignSchema& schema = result.schema = coding.result();
    schema.blocks = rows.schema().blocks;
    for (GroupEffects& effects : schema.effects) {
      constexpr Index many_rows = 30;
      Index groups = 1;
      for (const Index key : effects.keys) groups *= schema.keys[static_cast<std::size_t>(key)].num_levels;
      effects.centred = groups > 0 && schema.num_rows() / groups >= many_rows;
    }
    schema.response = design.formula().response.name;
    schema.response_levels = design.response_levels();
    if (model == nullptr) return;
    schema.ranges = columns.ranges(moments);
    require_varied(*model, moments, columns.response(), schema);
    if (is_coded) code_response(*model, moments, columns.response(), schema);
    result.notes = notes_on(design, schema, moments);
  });
  return result;
}

std::shared_ptr<const Design> saved_design(const Config& config, const DesignSchema& schema,
                                           const TableSchema& table) {
  const GlmOptions* model = config.model.is_glm() ? &config.model.glm : nullptr;
  return std::make_shared<const Design>(DesignPlan(formula_terms(schema.formula, model, table), table),
                                        schema.statistics);
}

void refuse(const std::optional<UnusableValue>& unusable, const TableRows& rows) {
  if (unusable) throw RowError(rows.first_row + unusable->row, unusable->found);
}

Rows coded_rows(const DesignSchema& schema, DesignRows design, bool single) {
  Rows rows;
  const auto num_numbers = static_cast<Index>(schema.numbers.size());
  const auto fill = [&](auto x) {
    using Scalar = typename decltype(x)::Scalar;
    x.resize(design.numbers.rows(), num_numbers);
    for (Index j = 0; j < num_numbers; ++j) {
      const CodedNumber& of = schema.numbers[static_cast<std::size_t>(j)];
      x.col(j) = ((design.numbers.col(of.number).array() - of.centre) / of.scale).template cast<Scalar>();
    }
    rows.x = std::move(x);
  };
  if (single) {
    fill(Rows::RowMajor<float>());
  } else {
    fill(Rows::RowMajor<double>());
  }
  rows.cells = std::move(design.cells);
  rows.cells.conservativeResize(Eigen::NoChange, schema.num_indices());  // without those of effects alone
  rows.effects = std::move(design.effects);
  for (const GroupEffects& effects : schema.effects) {
    for (Index j = 0; j < effects.size(); ++j) {
      const Column& of = effects.columns[static_cast<std::size_t>(j)];
      auto values = rows.effects.col(effects.first_column + j).array();
      values = (values - of.centre) / of.scale;
    }
  }
  rows.groups = std::move(design.groups);
  rows.offset = std::move(design.offset);
  rows.trials = std::move(design.trials);
  return rows;
}

DesignSource::DesignSource(TableDesign design, std::shared_ptr<const TableSource> table)
    : design_(std::move(design)), table_(std::move(table)), response_(table_->blocks().num_rows()) {}

Rows DesignSource::read(const BlockRange& blocks) const {
  const TableRows table = table_->read(blocks);
  DesignRows design;
  refuse(design_.design->evaluate(table, design), table);
  Vector y = std::move(design.response), weight = std::move(design.weights),
         censoring = std::move(design.censoring);
  Rows rows = coded_rows(design_.schema, std::move(design), table_->schema().single);
  rows.first_row = table.first_row;
  rows.first_block = table.first_block;
  rows.blocks = table_->blocks().slice(blocks);
  rows.y = std::move(y);
  rows.weight = std::move(weight);
  rows.censoring = std::move(censoring);

  const std::lock_guard lock(mutex_);
  if (blocks.first != noted_) return rows;
  noted_ = blocks.last;
  response_.segment(table_->blocks().first(blocks.first), rows.size()) = rows.y;
  rows_of_weight_ += rows.weight.size() > 0 ? (rows.weight.array() != 0.0).count() : rows.size();
  if (rows.offset.size() > 0) largest_offset_ = std::max(largest_offset_, rows.offset.maxCoeff());
  return rows;
}

}  // namespace vfe
