#include "vfe/commands/info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "vfe/commands/saved_fit.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/run/result_attributes.hpp"
#include "vfe/store/checkpoint.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/stored_kind.hpp"
#include "vfe/toml/read_config.hpp"

namespace vfe {
namespace {

/// Of a stored number what a reader would have written: 0.1, and not the 0.10000000149 of a float.
double plain(float value) {
  return std::stod(fmt::format("{}", value));
}
double plain(double value) {
  return value;
}

/// Takes note of numbers, each row of which is a value of the column.
template <class Values>
void see(const Values& values, ColumnInfo& column) {
  using Scalar = typename Values::Scalar;
  constexpr Scalar most = std::numeric_limits<Scalar>::infinity();
  const auto missing = values.array().isNaN().eval();
  column.missing += missing.rowwise().any().count();
  if (missing.all()) return;
  column.low = std::min(column.low, plain(missing.select(most, values.array()).minCoeff()));
  column.high = std::max(column.high, plain(missing.select(-most, values.array()).maxCoeff()));
}

void see(const TableRows& rows, ColumnInfo& column, Index slot) {
  switch (column.type) {
    case ColumnType::number:
      std::visit([&](const auto& all) { see(all.col(slot), column); }, rows.numbers);
      break;
    case ColumnType::factor:
      column.missing += (rows.codes.col(slot).array() < 0).count();
      break;
    case ColumnType::integer: {
      Vector values(rows.num_rows);
      rows.read_integer(slot, values);
      see(values, column);
      break;
    }
    case ColumnType::matrix:
      std::visit([&](const auto& all) { see(all, column); }, rows.matrices[static_cast<std::size_t>(slot)]);
      break;
  }
}

/// Counts the groups of rows that are seen in order.
class GroupCount {
 public:
  explicit GroupCount(const DatasetSchema& schema) : last_(schema.grouped_by.size()) {
    const std::vector<Index> slots = schema.table.slots();
    for (const std::string& name : schema.grouped_by) {
      const Index column = schema.table.find(name);
      is_factor_.push_back(schema.table[column].type == ColumnType::factor);
      slots_.push_back(slots[static_cast<std::size_t>(column)]);
    }
  }

  void see(const TableRows& rows, std::vector<GroupingInfo>& found) {
    for (Index row = 0; row < rows.num_rows; ++row) {
      bool is_new = std::exchange(is_first_, false);
      for (std::size_t level = 0; level < slots_.size(); ++level) {
        const std::int64_t value =
            is_factor_[level] ? rows.codes(row, slots_[level]) : rows.integers(row, slots_[level]);
        is_new = std::exchange(last_[level], value) != value || is_new;
        if (is_new) ++found[level].groups;
      }
    }
  }

 private:
  std::vector<bool> is_factor_;
  std::vector<Index> slots_;
  std::vector<std::int64_t> last_;  // values of the row before
  bool is_first_ = true;
};

/// Reads all rows; returns the hash of their contents.
std::uint64_t scan(const Dataset& file, DatasetInfo& found) {
  constexpr Index values_at_once = Index{1} << 22;
  const DatasetSchema& schema = file.schema();
  const std::vector<Index> slots = schema.table.slots();
  Index of_row = 0;
  for (const TableColumn& column : schema.table.columns) of_row += column.width;
  const Index at_once = std::max<Index>(values_at_once / (schema.blocks.block_rows() * of_row), 1);
  std::uint64_t content = 0;
  GroupCount groups(schema);
  for (Index first = 0; first < schema.num_blocks(); first += at_once) {
    const BlockRange range{first, std::min(first + at_once, schema.num_blocks())};
    const TableRows rows = file.read(range);
    content += content_hash(rows, schema.blocks.slice(range));
    for (std::size_t j = 0; j < slots.size(); ++j) see(rows, found.columns[j], slots[j]);
    groups.see(rows, found.grouped_by);
  }
  return content;
}

DatasetInfo dataset_info(const std::filesystem::path& path) {
  const Dataset file(path);
  const DatasetSchema& schema = file.schema();
  DatasetInfo found{.rows = schema.num_rows(),
                    .blocks = schema.num_blocks(),
                    .block_rows = schema.blocks.block_rows(),
                    .single = schema.single};
  for (const TableColumn& column : schema.table.columns) {
    found.columns.push_back(
        {.name = column.name, .type = column.type, .levels = column.levels, .width = column.width});
  }
  for (const std::string& name : schema.grouped_by) found.grouped_by.push_back({name});
  const std::uint64_t content = scan(file, found);
  found.checked = file.has_content_hash();
  if (found.checked) expect_content(path.string(), content, schema.content);
  found.content = hexadecimal(content);
  found.made_by = file.made_by();
  found.source = schema.source;
  found.shuffle_seed = schema.shuffle_seed;
  found.truth = file.truth_names();
  return found;
}

FitInfo fit_info(const std::string& toml) {
  const Config config = parse_config(toml, "the configuration in it");
  return {config.model.type, config.family.type,
          std::string(config.fit.mode == Mode::stochastic ? "stochastic" : "synchronous"), config.data.file,
          config.model.formula};
}

CheckpointInfo checkpoint_info(const std::filesystem::path& path) {
  const Checkpoint checkpoint = read_checkpoint_file(path);
  return {.step = checkpoint.state.step,
          .stage = checkpoint.state.stage,
          .fit = fit_info(checkpoint.config),
          .lambda = checkpoint.state.lambda.size(),
          .counters = checkpoint.counters,
          .state_hash = hexadecimal(hash(checkpoint.state)),
          .model_hash = hexadecimal(checkpoint.model),
          .data_hash = hexadecimal(checkpoint.data),
          .made_by = checkpoint.made_by};
}

VariableInfo variable_info(const std::string& name, const std::vector<Dimension>& dimensions) {
  VariableInfo found{name, {}};
  for (const Dimension& dimension : dimensions) found.dimensions.emplace_back(dimension.name, dimension.size);
  return found;
}

ResultInfo result_info(const std::filesystem::path& path) {
  const ResultFile file = read_result(path);
  const auto& attributes = file.attributes;
  ResultInfo found;
  found.verdict = verdict_of(attributes);
  if (file.texts.contains("config")) found.fit = fit_info(file.texts.at("config"));
  if (file.texts.contains("parameters")) {
    const Parameters parameters = parameters_from_json(file.texts.at("parameters"));
    for (const Parameter& parameter : parameters.list()) {
      found.parameters.push_back(variable_info(parameter.name, parameter.dimensions));
    }
  }
  for (const Group& group : file.groups) {
    found.groups.push_back({group.name, {}});
    for (const Variable& variable : group.variables) {
      found.groups.back().variables.push_back(variable_info(variable.name, variable.dimensions));
    }
  }
  for (const char* of : {"lambda", "draws", "data", "model"}) {
    const std::string name = fmt::format("{}_hash", of);
    if (attributes.contains(name)) found.hashes[of] = hexadecimal(hash_of(attributes, name));
  }
  found.made_by = fmt::format("vfe {}", word_of(attributes, "version"));
  if (attributes.contains("ranks")) {
    found.made_by +=
        fmt::format(", {} of {}, seed {}", counted(count_of(attributes, "ranks"), "rank"),
                    counted(count_of(attributes, "threads"), "thread"), count_of(attributes, "seed"));
  }
  if (file.texts.contains("table")) found.source = dataset_schema_from_json(file.texts.at("table")).source;
  if (attributes.contains("source")) found.source = word_of(attributes, "source");
  return found;
}

}  // namespace

FileInfo info(const std::filesystem::path& path) {
  const std::filesystem::path file = result_of_run(path);
  const StoredKind kind = stored_kind(file);
  FileInfo found{.file = file.string(), .kind = kind};
  try {
    switch (kind) {
      case StoredKind::dataset:
        found.what = dataset_info(file);
        break;
      case StoredKind::checkpoint:
        found.what = checkpoint_info(file);
        break;
      case StoredKind::result:
        found.what = result_info(file);
        break;
    }
  } catch (const Error& error) {
    // Those of the configuration in it are the file's: the user has not written it.
    const Fault fault = error.fault() != Fault::config   ? error.fault()
                        : kind == StoredKind::checkpoint ? Fault::checkpoint
                                                         : Fault::data;
    const std::string line = error.what();
    const bool named = line.find(file.string()) != std::string::npos;
    throw Error(fault, named ? line : fmt::format("{}: {}", file.string(), line));
  }
  return found;
}

}  // namespace vfe
