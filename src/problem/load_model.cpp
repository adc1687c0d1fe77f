#include "vfe/problem/load_model.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/model/plugin.hpp"
#include "vfe/store/atomic_file.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/target/riders.hpp"

namespace vfe {
namespace {

constexpr int most_lines = 1000;

std::string describe_rows(const std::string& file, const Schema& schema) {
  return fmt::format("{}: {} rows, {} columns, {} blocks", file, schema.num_rows(), schema.num_columns(),
                     schema.num_blocks());
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

LoadedRows read_shard(const Communicator& comm, const std::string& file) {
  const Dataset dataset(file);
  LoadedRows loaded;
  loaded.schema = dataset.schema();
  loaded.has_content_hash = dataset.has_content_hash();
  loaded.rows = dataset.read(shard(loaded.schema.num_blocks(), comm.rank(), comm.size()));
  loaded.content = content_hash(loaded.rows);
  return loaded;
}

std::uint64_t hash_of_shards(const Communicator& comm, const std::string& file, const LoadedRows& loaded) {
  const std::uint64_t hash = comm.sum(loaded.content);
  if (loaded.has_content_hash && hash != loaded.schema.content) {
    throw Error(
        Fault::data,
        fmt::format("while loading data: {}: its contents have the hash {:016x}, expected {:016x}: the "
                    "file was changed or damaged after it was written",
                    file, hash, loaded.schema.content));
  }
  return hash;
}

std::uint64_t hash_of_library(const Communicator& comm, const std::string& file) {
  std::uint64_t hash = 0;
  comm.collectively("reading the model's library", [&] {
    const std::string bytes = read_file(file);
    hash = XXH3_64bits(bytes.data(), bytes.size());
  });
  auto lowest = static_cast<std::int64_t>(hash), highest = lowest;
  comm.min({&lowest, 1});
  comm.max({&highest, 1});
  if (lowest != highest) {
    throw Error(Fault::data,
                fmt::format("while reading the model's library: {}: expected the same file on every "
                            "rank: {}",
                            file, name_different_ranks(comm, hash)));
  }
  return hash;
}

LoadedModel load_glm(const Communicator& comm, const Config& config) {
  const std::string& file = config.data.file;
  LoadedModel loaded;
  LoadedRows shard;
  std::uint64_t weighted_rows = 0;
  comm.collectively("loading data", [&] {
    shard = read_shard(comm, file);
    const Vector& weight = shard.rows.weight;
    weighted_rows =
        static_cast<std::uint64_t>(weight.size() > 0 ? (weight.array() != 0.0).count() : shard.rows.size());
    loaded.response = shard.rows.y;
    try {
      loaded.model = std::make_unique<Glm>(config.model.glm, shard.schema, std::move(shard.rows));
    } catch (const RowError& error) {
      throw Error(error.fault(),
                  fmt::format("{}: {}: {}", file, Dataset(file).name_row(error.row()), error.found()));
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", file, error.what()));
    }
  });
  loaded.data_hash = hash_of_shards(comm, file, shard);
  if (comm.sum(weighted_rows) == 0) {
    throw Error(Fault::data,
                fmt::format("while loading data: {}: the weights of all {} rows are 0, expected at "
                            "least one above 0",
                            file, shard.schema.num_rows()));
  }
  loaded.description = describe_rows(file, shard.schema);
  loaded.schema = std::move(shard.schema);
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
  LoadedRows shard;
  comm.collectively("loading data", [&] { shard = read_shard(comm, config.data.file); });
  loaded.data_hash = hash_of_shards(comm, config.data.file, shard);
  comm.collectively("loading the model", [&] {
    loaded.model =
        std::make_unique<PluginModel>(library, config.model.options, shard.schema, std::move(shard.rows));
  });
  loaded.description = fmt::format("{}; {}", library, describe_rows(config.data.file, shard.schema));
  loaded.schema = std::move(shard.schema);
  return loaded;
}

}  // namespace vfe
