#include <fmt/format.h>
#include <xxhash.h>

#include <filesystem>
#include <utility>

#include "vfe/core/counted.hpp"
#include "vfe/core/error.hpp"
#include "vfe/model/stan.hpp"
#include "vfe/problem/load_model.hpp"
#include "vfe/store/atomic_file.hpp"

namespace vfe {
namespace {

/// About so many blocks of the rows of a JSON.
Blocks cut(Index rows, Index num_blocks) {
  return Blocks::of_equal(rows, std::max<Index>(1, (rows + num_blocks - 1) / num_blocks));
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

StanData stan_data(const Config& config, const std::string& json, const TableSource* rows) {
  return rows == nullptr ? StanData(json, config.model.data, config.model.shard)
                         : StanData(json, config.model.data, config.model.shard, *rows);
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
      const StanData data = stan_data(config, json, nullptr);
      rows = data.rows();
      const Blocks blocks = cut(data.rows(), config.data.blocks);
      make(data, blocks, shard(blocks.num_blocks(), comm.rank(), comm.size()));
    });
    loaded.description +=
        fmt::format(": {} in {}", counted(rows, "row"), counted(std::min(rows, config.data.blocks), "block"));
    return loaded;
  }
  std::optional<ShardOfFile> shard;
  comm.collectively("loading data", [&] { shard.emplace(comm, config.data.file); });
  shard->expect_same_file(comm);
  comm.collectively("loading the Stan program", [&] {
    const Blocks& blocks = shard->blocks();
    make(stan_data(config, json, &*shard), blocks, BlockRange{0, blocks.num_blocks()});
  });
  // Not equal to either of the two alone.
  loaded.data_hash += 0x9e3779b97f4a7c15u * shard->hash(comm);
  loaded.table = shard->schema();
  loaded.description +=
      fmt::format("; {}: {} in {}", config.data.file, counted(loaded.table->num_rows(), "row"),
                  counted(loaded.table->num_blocks(), "block"));
  return loaded;
}

}  // namespace vfe
