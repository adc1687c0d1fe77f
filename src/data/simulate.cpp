#include "vfe/data/simulate.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "data/simulated_effects.hpp"
#include "data/simulated_groups.hpp"
#include "data/simulated_steps.hpp"
#include "vfe/core/error.hpp"
#include "vfe/core/nearest.hpp"
#include "vfe/core/random.hpp"
#include "vfe/core/table_source.hpp"
#include "vfe/data/import.hpp"
#include "vfe/formula/syntax.hpp"
#include "vfe/formula/terms.hpp"
#include "vfe/model/glm_layout.hpp"
#include "vfe/problem/table_design.hpp"
#include "vfe/store/dataset.hpp"

namespace vfe {

namespace {

constexpr Index most_levels = 1'000'000, most_trials = 20;
constexpr Index most_group_levels = 1000;  // beyond these, groups are called by numbers

bool is_count(Likelihood likelihood) {
  const Support support = traits(likelihood).support;
  return support == Support::count || support == Support::count_of_trials;
}

/// Whether the mean is the exponential of the linear predictor.
bool has_log_mean(Likelihood likelihood) {
  const Support support = traits(likelihood).support;
  return support == Support::count || support == Support::positive;
}

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Fault::usage, "simulating: " + what);
}

void validate(const SimulateOptions& options) {
  if (options.rows < 1) refuse(fmt::format("{} rows, expected at least 1", options.rows));
  if (options.columns < 1) refuse(fmt::format("{} columns, expected at least 1", options.columns));
  if (has_classes(options.likelihood) && options.classes < 2)
    refuse(fmt::format("{} classes, expected at least 2", options.classes));
  if (options.block_rows < 0)
    refuse(fmt::format("{} rows per block, expected at least 1", options.block_rows));
  if (options.seed > max_seed) refuse(fmt::format("seed {}, expected at most {}", options.seed, max_seed));
  // Larger effects make counts that no double holds exactly.
  const double most = has_log_mean(options.likelihood) ? 3.0 : 1e6;
  if (!(options.effect >= 0.0 && options.effect <= most))
    refuse(fmt::format("an effect of {}, expected from 0 to {} for {}", options.effect, most,
                       to_string(options.likelihood)));
  for (const auto& [name, levels] : options.levels)
    if (levels < 2) refuse(fmt::format("{} levels of {}, expected at least 2", levels, name));
}

/// "a", "b", ..., "z", "ba", ...
std::string level_name(Index level) {
  std::string name(1, static_cast<char>('a' + level % 26));
  return level < 26 ? name : level_name(level / 26) + name;
}

/// By node of a formula: whether it names groups.
std::vector<bool> nodes_of_groups(const FormulaSyntax& syntax) {
  std::vector<bool> nodes(syntax.nodes.size(), false);
  for (const FormulaNode& node : syntax.nodes) {
    if (node.kind != FormulaNode::Kind::group) continue;
    for (std::size_t i = syntax[node.operands[1]].first; i <= node.operands[1]; ++i)
      nodes[i] = syntax[i].kind == FormulaNode::Kind::name;
  }
  return nodes;
}

/// The columns of a formula, the response last.
TableSchema columns_of(const SimulateOptions& options) {
  TableSchema table;
  std::set<std::string> known, only_groups;
  const auto add = [&](const std::string& name, ColumnType type) {
    if (!known.insert(name).second) return;
    TableColumn column{.name = name, .type = type};
    const auto levels = options.levels.find(name);
    const bool is_group = only_groups.contains(name);
    if (levels == options.levels.end()) {
      if (is_group) refuse(fmt::format("no levels of {0}, expected --levels {0}=COUNT of groups", name));
    } else if (is_group && levels->second > most_group_levels) {
      column.type = ColumnType::integer;
    } else {
      if (levels->second > most_levels)
        refuse(fmt::format("{} levels of {}, expected 2 to {}", levels->second, name, most_levels));
      column.type = ColumnType::factor;
      for (Index level = 0; level < levels->second; ++level) column.levels.push_back(level_name(level));
    }
    table.columns.push_back(std::move(column));
  };
  std::string response = "y";
  if (traits(options.likelihood).support == Support::count_of_trials && options.formula.empty())
    refuse("no trials, expected --formula \"y | trials(n) ~ ...\"");
  if (options.formula.empty()) {
    for (Index j = 1; j <= options.columns; ++j) add(fmt::format("x{}", j), ColumnType::number);
  } else {
    const FormulaSyntax syntax = parse_formula(options.formula);
    if (syntax[syntax.response].kind != FormulaNode::Kind::name)
      syntax.fail(syntax.response, "the response is to be a column, so that it can be simulated");
    response = syntax[syntax.response].text;
    known.insert(response);
    const std::vector<bool> of_groups = nodes_of_groups(syntax);
    for (std::size_t i = 0; i < syntax.nodes.size(); ++i)
      if (of_groups[i]) only_groups.insert(syntax[i].text);
    for (std::size_t i = 0; i < syntax.nodes.size(); ++i)  // what is a term too has levels, however many
      if (!of_groups[i] && syntax[i].kind == FormulaNode::Kind::name) only_groups.erase(syntax[i].text);
    const auto add_names = [&](std::size_t node, ColumnType type) {
      for (std::size_t i = syntax[node].first; i <= node; ++i) {
        if (syntax[i].kind == FormulaNode::Kind::dot)
          syntax.fail(i, "there are no columns yet, expected their names");
        if (syntax[i].kind == FormulaNode::Kind::name) add(syntax[i].text, type);
      }
    };
    for (const std::size_t addition : syntax.additions)
      add_names(addition, syntax[addition].text == "trials" ? ColumnType::integer : ColumnType::number);
    add_names(syntax.right, ColumnType::number);
  }
  for (const auto& [name, levels] : options.levels) {
    if (known.contains(name) && name != response) continue;
    refuse(fmt::format("levels of \"{}\", expected a column of the formula; the nearest are \"{}\"", name,
                       fmt::join(nearest(name, {known.begin(), known.end()}), "\", \"")));
  }
  TableColumn y{.name = response};
  if (is_count(options.likelihood)) y.type = ColumnType::integer;
  if (has_classes(options.likelihood)) {
    y.type = ColumnType::factor;
    for (Index k = 0; k < options.classes; ++k) y.levels.push_back(std::to_string(k));
  }
  table.columns.push_back(std::move(y));
  return table;
}

SimulatedGroups groups_of(const SimulateOptions& options, const TableSchema& table) {
  std::vector<GroupTerms> effects;
  if (!options.formula.empty()) effects = expand_terms(parse_formula(options.formula), table).effects;
  if (!effects.empty() && options.likelihood == Likelihood::softmax)
    refuse("effects of groups for softmax, expected another likelihood");
  return {effects, table, options.levels, options.rows, options.seed};
}

/// Blocks but for their number of rows.
DatasetSchema make_schema(const SimulateOptions& options, const TableSchema& table,
                          const SimulatedGroups& groups) {
  DatasetSchema schema;
  schema.table = table;
  for (const Index column : groups.columns()) schema.grouped_by.push_back(table[column].name);
  schema.single = options.single;
  schema.source = fmt::format("simulated {}, seed {}", to_string(options.likelihood), options.seed);
  const Index block_rows = options.block_rows > 0
                               ? options.block_rows
                               : default_block_rows(table.size() - 1, options.single, options.rows);
  schema.blocks = Blocks::of_equal(0, block_rows);
  return schema;
}

/// The columns of a rank's blocks but for the response, each block a function of its number alone.
class SimulatedColumns final : public TableSource {
 public:
  SimulatedColumns(const Communicator& comm, const SimulateOptions& options, const SimulatedGroups& groups,
                   const DatasetSchema& schema)
      : seed_(options.seed),
        groups_(groups),
        schema_(schema),
        own_(shard(schema.num_blocks(), comm.rank(), comm.size())),
        blocks_(schema.blocks.slice(own_)) {
    for (const TableColumn& column : schema.table.columns) {
      const auto levels = options.levels.find(column.name);
      counts_.push_back(levels == options.levels.end() ? most_trials : levels->second);
    }
  }

  const DatasetSchema& schema() const override { return schema_; }
  Index first_block() const override { return own_.first; }
  const Blocks& blocks() const override { return blocks_; }
  /// One block.
  TableRows read(const BlockRange& blocks) const override { return block(own_.first + blocks.first); }

  TableRows block(Index b) const {
    const TableSchema& table = schema_.table;
    const Index size = schema_.blocks.rows(b);
    TableRows rows = missing_rows(table, size);
    rows.first_row = schema_.blocks.first(b);
    rows.first_block = b;
    const auto at = [&](std::uint32_t step) {
      return Address{
          .seed = seed_, .purpose = Purpose::simulate, .step = step, .block = static_cast<std::uint32_t>(b)};
    };
    Matrix numbers(table.count(ColumnType::number), size);  // a row is a draw
    fill_normal(at(numbers_step), numbers);
    const std::vector<Index> slots = table.slots();
    for (Index row = 0; row < size; ++row) {
      Address levels = at(levels_step), trials = at(trials_step);
      levels.draw = trials.draw = static_cast<std::uint32_t>(row);
      for (Index c = 0; c + 1 < table.size(); ++c) {
        const Index slot = slots[static_cast<std::size_t>(c)];
        const auto which = static_cast<std::uint32_t>(slot);
        const Index count = counts_[static_cast<std::size_t>(c)];
        if (table[c].type == ColumnType::factor)
          rows.codes(row, slot) = static_cast<std::int32_t>(one_of(levels, which, count));
        if (table[c].type == ColumnType::integer) rows.integers(row, slot) = 1 + one_of(trials, which, count);
      }
    }
    groups_.set(rows);
    // Rounded first: the response belongs to the columns as they are stored.
    if (schema_.single) {
      rows.numbers = TableRows::RowMajor<float>(numbers.transpose().cast<float>());
    } else {
      rows.numbers = TableRows::RowMajor<double>(numbers.transpose());
    }
    return rows;
  }

 private:
  static Index one_of(const Address& at, std::uint32_t which, Index count) {
    return static_cast<Index>(uniform(at, which) * static_cast<double>(count));
  }

  std::uint64_t seed_;
  const SimulatedGroups& groups_;
  std::vector<Index> counts_;  // by column: of the levels, or whole numbers from 1 on
  DatasetSchema schema_;
  BlockRange own_;
  Blocks blocks_;
};

/// True values of the parameters, constrained, in the model's order.
Vector draw_truth(const SimulateOptions& options, const Parameters& parameters, Index coefficients) {
  const Address at{.seed = options.seed, .purpose = Purpose::truth};
  Vector truth(parameters.num_constrained());
  for (std::size_t p = 0; p < parameters.list().size(); ++p) {
    const std::string& name = parameters.list()[p].name;
    const Index first = parameters.first_constrained(p);
    for (Index i = first; i < first + parameters.list()[p].num_constrained(); ++i) {
      const auto standard = [&] { return normal(at, static_cast<std::uint32_t>(i)); };
      if (name == "beta")
        truth[i] = options.effect / std::sqrt(static_cast<double>(coefficients)) * standard();
      else if (name == "intercept")
        truth[i] = (has_log_mean(options.likelihood) ? 1.0 : 0.0) + 0.5 * standard();
      else if (name == "sigma")
        truth[i] = 1.0;
      else if (name == "nu")
        truth[i] = 5.0;
      else if (name == "overdispersion")
        truth[i] = 0.5;
      else if (name == "zero_probability")
        truth[i] = 0.25;
      else if (name == "shape")
        truth[i] = 2.0;
      else if (name == "precision")
        truth[i] = 10.0;
      else if (name == "cutpoints")  // a unit apart, around 0
        truth[i] = static_cast<double>(i - first) - 0.5 * static_cast<double>(options.classes - 2);
      else
        throw Error(Fault::bug, fmt::format("simulating: no true value for parameter {}", name));
    }
  }
  return truth;
}

/// Sets the response of a block, the last column.
void simulate_block(const GlmOptions& model, const TableDesign& design, const SimulatedEffects& effects,
                    const TableSchema& table, ConstVec truth, Address at, TableRows& rows) {
  DesignRows evaluated;
  refuse(design.design->evaluate_terms(rows, evaluated), rows);
  refuse(design.design->evaluate_groups(rows, evaluated), rows);
  Rows coded = coded_rows(design.schema, std::move(evaluated), false);
  coded.y = Vector::Zero(rows.num_rows);
  effects.add_to(coded);  // as part of the offset
  simulate_response(model, without_effects(design.schema), coded, truth, at);
  const Index slot = table.slots().back();
  for (Index row = 0; row < rows.num_rows; ++row) {
    const double y = coded.y[row];
    switch (table.columns.back().type) {
      case ColumnType::factor:
        rows.codes(row, slot) = static_cast<std::int32_t>(y);
        break;
      case ColumnType::integer:
        rows.integers(row, slot) = static_cast<std::int64_t>(y);
        break;
      default:
        std::visit(
            [&](auto& x) { x(row, slot) = static_cast<typename std::decay_t<decltype(x)>::Scalar>(y); },
            rows.numbers);
    }
  }
}

/// Hands over all values of rows, matrix by matrix.
template <class Use>
void for_each_part(TableRows& rows, const Use& use) {
  std::visit(use, rows.numbers);
  use(rows.codes);
  use(rows.integers);
}

/// As bytes.
std::string pack(TableRows rows) {
  std::string bytes;
  for_each_part(rows, [&](const auto& values) {
    const std::size_t size = sizeof(*values.data()) * static_cast<std::size_t>(values.size());
    if (size == 0) return;
    bytes.append(reinterpret_cast<const char*>(values.data()), size);
  });
  return bytes;
}

TableRows unpack(const std::string& bytes, const DatasetSchema& schema, Index num_rows) {
  TableRows rows = missing_rows(schema.table, num_rows);
  if (schema.single)
    rows.numbers = TableRows::RowMajor<float>(num_rows, schema.table.count(ColumnType::number));
  std::size_t next = 0;
  for_each_part(rows, [&](auto& values) {
    const std::size_t size = sizeof(*values.data()) * static_cast<std::size_t>(values.size());
    if (size == 0) return;
    std::memcpy(values.data(), bytes.data() + next, size);
    next += size;
  });
  return rows;
}

}  // namespace

DatasetSchema simulate(const Communicator& comm, const SimulateOptions& options) {
  validate(options);
  GlmOptions model;
  model.likelihood = options.likelihood;
  const TableSchema table = columns_of(options);
  const SimulatedGroups groups = groups_of(options, table);
  DatasetSchema schema = make_schema(options, table, groups);
  const DatasetSchema to_write = schema;
  schema.blocks = groups.blocks(schema.blocks.block_rows());
  const SimulatedColumns columns(comm, options, groups, schema);
  const std::string formula =
      options.formula.empty() ? formula_name(table.columns.back().name) : options.formula;
  const TableDesign design = fit_design(comm, formula, nullptr, columns,
                                        [](Index row) { return fmt::format("simulated row {}", row); });
  model.intercept = design.schema.has_intercept;
  const Parameters parameters = glm_parameters(model, without_effects(design.schema));
  const Vector truth = draw_truth(options, parameters, design.schema.num_columns());
  const SimulatedEffects effects(design.schema, options.levels, has_log_mean(options.likelihood) ? 0.5 : 1.0,
                                 options.seed);

  std::optional<DatasetWriter> writer;
  comm.on_root("creating the dataset", [&] {
    writer.emplace(options.output, to_write);
    writer->set_command("simulate");
    std::vector<std::string> names;
    for (Index i = 0; i < truth.size(); ++i) names.push_back(parameters.constrained_name(i));
    names.insert(names.end(), effects.names().begin(), effects.names().end());
    Vector all(std::ssize(names));
    all.head(truth.size()) = truth;
    all.tail(effects.truth().size()) = effects.truth();
    writer->set_truth(all, names);
  });
  // In rounds of one block per rank, so that rank 0 never holds more than that; gathered in rank order is
  // gathered in block order.
  for (Index first = 0; first < schema.num_blocks(); first += comm.size()) {
    std::string piece;
    comm.collectively("simulating rows", [&] {
      const Index mine = first + comm.rank();
      if (mine >= schema.num_blocks()) return;
      TableRows rows = columns.block(mine);
      simulate_block(model, design, effects, table, truth,
                     {.seed = options.seed,
                      .purpose = Purpose::simulate,
                      .step = response_step,
                      .block = static_cast<std::uint32_t>(mine)},
                     rows);
      piece = pack(std::move(rows));
    });
    const std::vector<std::string> pieces = comm.gather(piece);
    comm.on_root("writing the dataset", [&] {
      for (Index k = 0; k < std::ssize(pieces) && first + k < schema.num_blocks(); ++k)
        writer->append(unpack(pieces[static_cast<std::size_t>(k)], schema, schema.blocks.rows(first + k)));
    });
  }
  std::string finished;
  comm.on_root("writing the dataset", [&] { finished = to_json(writer->finish()); });
  return dataset_schema_from_json(comm.broadcast(finished));
}

}  // namespace vfe
