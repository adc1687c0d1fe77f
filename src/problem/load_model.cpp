#include "vfe/problem/load_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <xxhash.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "problem/class_levels.hpp"
#include "problem/conditional_normal.hpp"
#include "problem/model_rows.hpp"
#include "problem/response_checks.hpp"
#include "vfe/comm/agreement.hpp"
#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/non_centred.hpp"
#include "vfe/model/plugin.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

constexpr int most_lines = 1000;

std::string describe_rows(const std::string& file, const Schema& schema) {
  return fmt::format("{}: {}, {}, {}", file, counted(schema.num_rows(), "row"),
                     counted(schema.num_columns(), "column"), counted(schema.num_blocks(), "block"));
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
    : dataset_(file),
      own_(shard(dataset_.schema().num_blocks(), comm.rank(), comm.size())),
      blocks_(dataset_.schema().blocks.slice(own_)),
      response_(blocks_.num_rows()) {}

Rows ShardOfFile::read(const BlockRange& blocks) const {
  const std::lock_guard lock(mutex_);
  Rows rows = dataset_.read({own_.first + blocks.first, own_.first + blocks.last});
  if (blocks.first != noted_) return rows;
  noted_ = blocks.last;
  content_ += content_hash(rows);
  response_.segment(blocks_.first(blocks.first), rows.size()) = rows.y;
  rows_of_weight_ += rows.weight.size() > 0 ? (rows.weight.array() != 0.0).count() : rows.size();
  if (rows.offset.size() > 0) largest_offset_ = std::max(largest_offset_, rows.offset.maxCoeff());
  return rows;
}

void ShardOfFile::expect_same_file(const Communicator& comm) const {
  std::string known = to_json(schema());
  comm.collectively("loading data", [&] {
    if (dataset_.has_content_hash() || schema().num_blocks() == 0) return;
    // Written by another program. What the first block holds tells most files apart.
    known += fmt::format("{} {:016x}", std::filesystem::file_size(dataset_.path()),
                         content_hash(dataset_.read({0, 1})));
  });
  expect_same_on_ranks(
      comm, XXH3_64bits(known.data(), known.size()), Fault::data,
      fmt::format("while loading data: {}: expected the same file on every rank", dataset_.path().string()));
}

std::uint64_t ShardOfFile::hash(const Communicator& comm) const {
  const std::uint64_t hash = comm.sum(content_);
  if (dataset_.has_content_hash()) {
    expect_content(fmt::format("while loading data: {}", dataset_.path().string()), hash, schema().content);
  }
  return hash;
}

std::unique_ptr<const Model> built_in_model(const Config& config, std::shared_ptr<const RowSource> rows) {
  if (!config.model.is_glm()) return nullptr;
  return std::make_unique<Glm>(config.model.glm, std::move(rows));
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
  std::shared_ptr<ShardOfFile> shard;
  std::shared_ptr<const RowSource> rows;
  bool numbers_are_classes = false;
  comm.collectively("loading data", [&] { shard = std::make_shared<ShardOfFile>(comm, file); });
  shard->expect_same_file(comm);
  comm.collectively("loading data", [&] {
    const Schema& schema = shard->schema();
    numbers_are_classes = config.model.glm.likelihood == Likelihood::softmax &&
                          schema.response_levels.empty() && !schema.response_numbers.empty();
    rows = shard;
    if (numbers_are_classes) rows = with_class_levels(rows);
    rows = model_rows(config.model.glm, rows);
    try {
      // What contradicts the columns, before any row is read.
      built_in_model(config, no_rows(rows->schema()));
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", file, error.what()));
    }
    try {
      loaded.model = built_in_model(config, rows);
    } catch (const RowError& error) {
      throw Error(error.fault(),
                  fmt::format("{}: {}: {}", file, shard->name_row(error.row()), error.found()));
    }
  });
  loaded.data_hash = shard->hash(comm);
  const std::uint64_t rows_of_weight = comm.sum(static_cast<std::uint64_t>(shard->rows_of_weight()));
  if (rows_of_weight == 0) {
    throw Error(Fault::data,
                fmt::format("while loading data: {}: the weights of all {} rows are 0, expected at "
                            "least one above 0",
                            file, shard->schema().num_rows()));
  }
  loaded.description = describe_rows(file, shard->schema());
  loaded.schema = rows->schema();
  loaded.response = shard->take_response();
  if (numbers_are_classes) {
    loaded.response = class_codes(shard->schema(), loaded.response);
    const std::vector<std::string>& levels = loaded.schema->response_levels;
    constexpr std::size_t most = 20;  // that a reader would read
    loaded.description += levels.size() > most ? fmt::format("; {} classes", levels.size())
                                               : fmt::format("; the classes are {}", fmt::join(levels, ", "));
  }
  require_fit_response(comm, config.model.glm, file,
                       {*loaded.schema, loaded.response, shard->largest_offset()});
  if (auto conditional =
          conditional_normal(comm, config.model.glm, *rows, static_cast<Index>(rows_of_weight))) {
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
  std::optional<ShardOfFile> shard;
  comm.collectively("loading data", [&] { shard.emplace(comm, config.data.file); });
  shard->expect_same_file(comm);
  comm.collectively("loading the model", [&] {
    loaded.model = std::make_unique<PluginModel>(library, config.model.options, *shard);
  });
  loaded.data_hash = shard->hash(comm);
  loaded.description = fmt::format("{}; {}", library, describe_rows(config.data.file, shard->schema()));
  loaded.schema = shard->schema();
  return loaded;
}

}  // namespace vfe
