#include <fmt/format.h>
#include <xxhash.h>

#include <filesystem>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/model/stan.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

/// The runs of rows that are the blocks of this rank.
std::vector<std::pair<Index, Index>> cut(Index rows, Index num_blocks, const Communicator& comm) {
  const Index block_rows = std::max<Index>(1, (rows + num_blocks - 1) / num_blocks);
  const BlockRange own = shard((rows + block_rows - 1) / block_rows, comm.rank(), comm.size());
  std::vector<std::pair<Index, Index>> blocks;
  for (Index b = own.first; b < own.last; ++b) {
    blocks.emplace_back(b * block_rows, std::min(rows, (b + 1) * block_rows));
  }
  return blocks;
}

/// The blocks of a shard of a dataset, in rows of the shard.
std::vector<std::pair<Index, Index>> blocks_of(const LoadedRows& loaded) {
  std::vector<std::pair<Index, Index>> blocks;
  const Index first_row = loaded.rows.first_row;
  for (Index b = loaded.rows.first_block; b < loaded.rows.first_block + loaded.rows.num_blocks; ++b) {
    const auto [first, last] = loaded.schema.block(b);
    blocks.emplace_back(first - first_row, last - first_row);
  }
  return blocks;
}

}  // namespace

std::string stan_library_file(const Config& config) {
  if (!config.model.library.empty()) return config.model.library;
  return std::filesystem::path(config.model.source).replace_extension(".so").string();
}

std::string read_stan_json(const Communicator& comm, const Config& config) {
  if (config.model.data.empty()) return {};
  std::string text;
  comm.on_root("reading the data of the Stan program", [&] { text = read_file(config.model.data); });
  return comm.broadcast(text);
}

StanData stan_data(const Config& config, const std::string& json, std::optional<LoadedRows> loaded) {
  if (!loaded) return StanData(json, config.model.data, config.model.shard);
  return StanData(json, config.model.data, config.model.shard, loaded->schema, std::move(loaded->rows));
}

LoadedModel load_stan(const Communicator& comm, const Config& config) {
  const std::string file = stan_library_file(config);
  LoadedModel loaded;
  loaded.code_hash = hash_of_library(comm, file);
  loaded.printed = std::make_shared<PrintedLines>();
  std::shared_ptr<const StanLibrary> library;
  comm.collectively("loading the Stan program", [&] {
    library = std::make_shared<const StanLibrary>(file);
    library->on_print([lines = loaded.printed](const std::string& line) { lines->add(line); });
  });
  const std::string json = read_stan_json(comm, config);
  const std::string name = config.model.data.empty() ? "no data" : config.model.data;
  loaded.data_hash = XXH3_64bits(json.data(), json.size());

  const auto make = [&](auto&&... data) {
    auto model = std::make_unique<StanModel>(library, std::forward<decltype(data)>(data)...);
    loaded.description = fmt::format("{}; {}", model->program_name(), name);
    loaded.model = std::move(model);
  };
  if (!config.model.is_sharded()) {
    comm.collectively("loading the Stan program", [&] { make(json, config.model.data); });
    return loaded;
  }
  if (config.data.file.empty()) {
    Index rows = 0;
    comm.collectively("loading the Stan program", [&] {
      const StanData data = stan_data(config, json, std::nullopt);
      rows = data.rows();
      make(data, cut(data.rows(), config.data.blocks, comm));
    });
    loaded.description += fmt::format(": {} rows in {} blocks", rows, std::min(rows, config.data.blocks));
    return loaded;
  }
  LoadedRows shard;
  comm.collectively("loading data", [&] { shard = read_shard(comm, config.data.file); });
  // Not equal to either of the two alone.
  loaded.data_hash += 0x9e3779b97f4a7c15u * hash_of_shards(comm, config.data.file, shard);
  loaded.schema = shard.schema;
  comm.collectively("loading the Stan program", [&] {
    const std::vector<std::pair<Index, Index>> blocks = blocks_of(shard);
    make(stan_data(config, json, std::move(shard)), blocks);
  });
  loaded.description += fmt::format("; {}: {} rows in {} blocks", config.data.file, loaded.schema->rows,
                                    loaded.schema->num_blocks());
  return loaded;
}

}  // namespace vfe
