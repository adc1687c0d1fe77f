#include "vfe/commands/info.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

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

void widen(ColumnInfo& column, double low, double high) {
  column.low = std::min(column.low, low);
  column.high = std::max(column.high, high);
}

/// The user's columns: the indicators of a factor are one. `place` is set to the column of each stored one.
std::vector<ColumnInfo> users_columns(const Schema& schema, std::vector<std::size_t>& place) {
  std::vector<ColumnInfo> columns;
  for (const Column& stored : schema.columns) {
    const bool factor = !stored.level.empty();
    const std::string& name = factor ? stored.source : stored.name;
    const auto found = std::ranges::find_if(
        columns, [&](const ColumnInfo& c) { return factor && !c.levels.empty() && c.name == name; });
    place.push_back(static_cast<std::size_t>(found - columns.begin()));
    if (found == columns.end()) columns.push_back({.name = name});
    ColumnInfo& column = columns[place.back()];
    if (!factor) continue;
    if (column.levels.empty() && !stored.reference.empty()) column.levels.push_back(stored.reference);
    column.levels.push_back(stored.level);
  }
  return columns;
}

/// A stored value in the user's units, less the digits that rounding has made: 0, and not 4e-9.
double users_value(double stored, const Column& column, bool single) {
  const double value = stored * column.scale + column.centre;
  const double relative =
      single ? std::numeric_limits<float>::epsilon() : std::numeric_limits<double>::epsilon();
  const double error = relative * (std::abs(stored) * column.scale + std::abs(column.centre));
  if (!(error > 0.0)) return value;
  const double digit = std::pow(10.0, std::ceil(std::log10(error)));
  return digit < 1.0 ? std::round(value / digit) / std::round(1.0 / digit) + 0.0
                     : std::round(value / digit) * digit;
}

/// Reads all rows; returns the hash of their contents.
std::uint64_t scan(const Dataset& dataset, const std::vector<std::size_t>& place, DatasetInfo& found) {
  constexpr Index values_at_once = Index{1} << 22;
  const Schema& schema = dataset.schema();
  const Index of_block = schema.blocks.block_rows() * std::max<Index>(schema.num_columns(), 1);
  const Index at_once = std::max<Index>(values_at_once / std::max<Index>(of_block, 1), 1);
  std::uint64_t content = 0;
  for (Index first = 0; first < schema.num_blocks(); first += at_once) {
    const Rows rows = dataset.read({first, std::min(first + at_once, schema.num_blocks())});
    content += content_hash(rows);
    std::visit(
        [&](const auto& x) {
          for (Index j = 0; j < x.cols(); ++j) {
            const Column& stored = schema.columns[static_cast<std::size_t>(j)];
            widen(found.columns[place[static_cast<std::size_t>(j)]],
                  users_value(x.col(j).minCoeff(), stored, schema.single),
                  users_value(x.col(j).maxCoeff(), stored, schema.single));
          }
        },
        rows.x);
    widen(found.response, rows.y.minCoeff(), rows.y.maxCoeff());
    if (found.offset) widen(*found.offset, rows.offset.minCoeff(), rows.offset.maxCoeff());
    if (found.weight) widen(*found.weight, rows.weight.minCoeff(), rows.weight.maxCoeff());
  }
  return content;
}

DatasetInfo dataset_info(const std::filesystem::path& path) {
  const Dataset dataset(path);
  const Schema& schema = dataset.schema();
  DatasetInfo found{.rows = schema.num_rows(),
                    .blocks = schema.num_blocks(),
                    .block_rows = schema.blocks.block_rows(),
                    .single = schema.single};
  std::vector<std::size_t> place;
  found.columns = users_columns(schema, place);
  found.response = {.name = schema.response, .levels = schema.response_levels};
  if (schema.has_offset) found.offset = {.name = "offset"};
  if (schema.has_weight) found.weight = {.name = "weight"};
  const std::uint64_t content = scan(dataset, place, found);
  found.checked = dataset.has_content_hash();
  if (found.checked) expect_content(path.string(), content, schema.content);
  found.content = hexadecimal(content);
  found.made_by = dataset.made_by();
  found.source = schema.source;
  found.shuffle_seed = schema.shuffle_seed;
  found.truth = dataset.truth_names();
  return found;
}

FitInfo fit_info(const std::string& toml) {
  const Config config = parse_config(toml, "the configuration in it");
  return {config.model.type, config.family.type,
          std::string(config.fit.mode == Mode::stochastic ? "stochastic" : "synchronous"), config.data.file};
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
  if (file.texts.contains("schema")) found.source = schema_from_json(file.texts.at("schema")).source;
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
