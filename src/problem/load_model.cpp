#include "vfe/problem/load_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "problem/aliased.hpp"
#include "problem/conditional_normal.hpp"
#include "problem/groups_together.hpp"
#include "problem/log_offsets.hpp"
#include "vfe/comm/agreement.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/infer/quadrature.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/mixed.hpp"
#include "vfe/model/non_centred.hpp"
#include "vfe/model/plugin.hpp"
#include "vfe/problem/table_design.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

constexpr int most_lines = 1000;

std::string describe_rows(const std::string& file, const DatasetSchema& schema) {
  return fmt::format("{}: {}, {}, {}", file, counted(schema.num_rows(), "row"),
                     counted(schema.table.size(), "column"), counted(schema.num_blocks(), "block"));
}

std::string describe_design(const DesignSchema& design) {
  std::string text = fmt::format("{}: {}", design.formula, counted(design.num_columns(), "coefficient"));
  const std::vector<std::string>& levels = design.response_levels;
  constexpr std::size_t most = 20;  // that a reader would read
  if (levels.size() > most) text += fmt::format("; {} levels of the response", levels.size());
  if (!levels.empty() && levels.size() <= most)
    text += fmt::format("; the response is {}", fmt::join(levels, ", "));
  return text;
}

/// [collective] The design of a shard's rows.
std::shared_ptr<DesignSource> design_rows(const Communicator& comm, const Config& config,
                                          const std::shared_ptr<const ShardOfFile>& shard,
                                          LoadedModel& loaded) {
  const GlmOptions* model = config.model.is_glm() ? &config.model.glm : nullptr;
  TableDesign design = fit_design(comm, config.model.formula, model, *shard, [&](Index row) {
    return fmt::format("{}: {}", config.data.file, shard->name_row(row));
  });
  loaded.table = shard->schema();
  loaded.design = design.schema;
  loaded.notes = design.notes;
  loaded.description =
      fmt::format("{}; {}", describe_rows(config.data.file, *loaded.table), describe_design(*loaded.design));
  return std::make_shared<DesignSource>(std::move(design), shard);
}

}  // namespace

void PrintedLines::add(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (++count_ > most_lines + 1) return;
  const std::string text = count_ <= most_lines ? line : "(what the model prints from here on is left out)";
  if (receiver_) {
    receiver_(text);
  } else {
    kept_.push_back(text);
  }
}

void PrintedLines::send_to(std::function<void(const std::string&)> receiver) {
  const std::lock_guard lock(mutex_);
  receiver_ = std::move(receiver);
  if (!receiver_) return;
  for (const std::string& line : kept_) receiver_(line);
  kept_.clear();
}

ShardOfFile::ShardOfFile(const Communicator& comm, const std::string& file)
    : file_(file),
      own_(shard(file_.schema().num_blocks(), comm.rank(), comm.size())),
      blocks_(file_.schema().blocks.slice(own_)) {}

TableRows ShardOfFile::read(const BlockRange& blocks) const {
  const std::lock_guard lock(mutex_);
  TableRows rows = file_.read({own_.first + blocks.first, own_.first + blocks.last});
  if (blocks.first != noted_) return rows;
  noted_ = blocks.last;
  content_ += content_hash(rows, blocks_.slice(blocks));
  return rows;
}

void ShardOfFile::expect_same_file(const Communicator& comm) const {
  std::string known = to_json(schema());
  comm.collectively("loading data", [&] {
    if (file_.has_content_hash() || schema().num_blocks() == 0) return;
    // Written by another program. What the first block holds tells most files apart.
    known += fmt::format("{} {:016x}", std::filesystem::file_size(file_.path()),
                         content_hash(file_.read({0, 1}), schema().blocks.slice({0, 1})));
  });
  expect_same_on_ranks(
      comm, XXH3_64bits(known.data(), known.size()), Fault::data,
      fmt::format("while loading data: {}: expected the same file on every rank", file_.path().string()));
}

std::uint64_t ShardOfFile::hash(const Communicator& comm) const {
  const std::uint64_t hash = comm.sum(content_);
  if (file_.has_content_hash()) {
    expect_content(fmt::format("while loading data: {}", file_.path().string()), hash, schema().content);
  }
  return hash;
}

GlmOptions glm_options(const Config& config, const DesignSchema& design) {
  GlmOptions options = config.model.glm;
  options.intercept = design.has_intercept;
  return options;
}

std::unique_ptr<const Model> built_in_model(const Config& config, std::shared_ptr<const RowSource> rows) {
  if (!config.model.is_glm()) return nullptr;
  const GlmOptions options = glm_options(config, rows->schema());
  return std::make_unique<Glm>(options, std::move(rows));
}

std::unique_ptr<Integrated> mixed_model(const Config& config, std::shared_ptr<const RowSource> rows) {
  const GlmOptions options = glm_options(config, rows->schema());
  auto local = std::make_shared<const Mixed>(options, std::move(rows));
  const Index nodes = local->is_quadratic() ? 1 : config.model.nodes > 0 ? config.model.nodes : pilot_nodes;
  return std::make_unique<Integrated>(std::move(local), nodes);
}

std::uint64_t hash_of_library(const Communicator& comm, const std::string& file) {
  std::uint64_t hash = 0;
  comm.collectively("reading the model's library", [&] {
    const std::string bytes = read_file(file);
    hash = XXH3_64bits(bytes.data(), bytes.size());
  });
  expect_same_on_ranks(
      comm, hash, Fault::data,
      fmt::format("while reading the model's library: {}: expected the same file on every rank", file));
  return hash;
}

LoadedModel load_built_in(const Communicator& comm, const Config& config) {
  const std::string& file = config.data.file;
  LoadedModel loaded;
  std::shared_ptr<const ShardOfFile> shard;
  comm.collectively("loading data", [&] { shard = std::make_shared<const ShardOfFile>(comm, file); });
  shard->expect_same_file(comm);
  const std::shared_ptr<DesignSource> rows = design_rows(comm, config, shard, loaded);
  comm.collectively("loading data", [&] {
    const bool has_groups = !rows->schema().effects.empty();
    try {
      // What contradicts the columns, before any row is read.
      if (has_groups) {
        mixed_model(config, no_rows(rows->schema()));
        require_grouped_by(rows->schema(), *loaded.table);
      } else {
        built_in_model(config, no_rows(rows->schema()));
      }
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", file, error.what()));
    }
    try {
      if (has_groups) {
        std::unique_ptr<Integrated> model = mixed_model(config, rows);
        loaded.integrated = model.get();
        loaded.model = std::move(model);
      } else {
        loaded.model = built_in_model(config, rows);
      }
    } catch (const RowError& error) {
      throw Error(error.fault(),
                  fmt::format("{}: {}: {}", file, shard->name_row(error.row()), error.found()));
    }
  });
  if (loaded.integrated != nullptr)
    require_groups_together(comm, file, *loaded.design, loaded.integrated->local(), *shard);
  const std::vector<std::string> aliased = aliased_coefficients(comm, *rows);
  if (!aliased.empty()) {
    loaded.notes.push_back(fmt::format(
        "columns that others add up to, so that the prior shares the coefficient out among them: {}",
        listed(aliased)));
  }
  loaded.data_hash = shard->hash(comm);
  const std::uint64_t rows_of_weight = comm.sum(static_cast<std::uint64_t>(rows->rows_of_weight()));
  if (rows_of_weight == 0) {
    throw Error(Fault::data,
                fmt::format("while loading data: {}: the weights of all {} rows are 0, expected at "
                            "least one above 0",
                            file, shard->schema().num_rows()));
  }
  loaded.response = rows->take_response();
  const GlmOptions options = glm_options(config, *loaded.design);
  require_log_offsets(comm, options, file, rows->largest_offset());
  if (loaded.integrated != nullptr) return loaded;
  if (auto conditional = conditional_normal(comm, options, *rows, static_cast<Index>(rows_of_weight))) {
    loaded.arrays[conditional_normal_name] = conditional->numbers();
    loaded.model = std::make_unique<NonCentred>(std::move(loaded.model), std::move(*conditional));
  }
  return loaded;
}

LoadedModel load_plugin(const Communicator& comm, const Config& config) {
  const std::string& library = config.model.library;
  LoadedModel loaded;
  loaded.code_hash = hash_of_library(comm, library);
  if (config.data.file.empty()) {
    comm.collectively("loading the model",
                      [&] { loaded.model = std::make_unique<PluginModel>(library, config.model.options); });
    loaded.description = library;
    return loaded;
  }
  std::shared_ptr<const ShardOfFile> shard;
  comm.collectively("loading data",
                    [&] { shard = std::make_shared<const ShardOfFile>(comm, config.data.file); });
  shard->expect_same_file(comm);
  const std::shared_ptr<DesignSource> rows = design_rows(comm, config, shard, loaded);
  comm.collectively("loading the model", [&] {
    if (!loaded.design->effects.empty()) {
      throw Error(Fault::config, fmt::format("plugin model: no group effects, but \"{}\" has those of {}",
                                             loaded.design->formula, loaded.design->effects.front().name));
    }
    loaded.model = std::make_unique<PluginModel>(library, config.model.options, *rows);
  });
  loaded.data_hash = shard->hash(comm);
  loaded.description = fmt::format("{}; {}", library, loaded.description);
  return loaded;
}

}  // namespace vfe
