#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/model/model.hpp"
#include "vfe/model/stan_data.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What a model prints: kept until there is a receiver for it, and no more than what a reader may want.
class PrintedLines {
 public:
  void add(const std::string& line);
  void send_to(std::function<void(const std::string&)> receiver);

 private:
  std::mutex mutex_;
  std::vector<std::string> kept_;
  std::function<void(const std::string&)> receiver_;
  int count_ = 0;
};

/// A model over this rank's share of the data, and what is known of them.
struct LoadedModel {
  std::unique_ptr<const Model> model;
  std::string description;
  std::optional<Schema> schema;
  Vector response;
  std::uint64_t data_hash = 0;
  std::uint64_t code_hash = 0;            ///< of the library
  std::shared_ptr<PrintedLines> printed;  ///< of a Stan program
};

// [collective] By the kind of model; throw as Problem does.
LoadedModel load_glm(const Communicator& comm, const Config& config);
LoadedModel load_stan(const Communicator& comm, const Config& config);
LoadedModel load_plugin(const Communicator& comm, const Config& config);

/// A shard of a dataset, and which of its blocks that are.
struct LoadedRows {
  Schema schema;
  Rows rows;
  std::uint64_t content = 0;
  bool has_content_hash = false;
};

/// One rank's: reads its shard.
LoadedRows read_shard(const Communicator& comm, const std::string& file);
/// [collective] The hash of all shards; throws Fault::data where the file says another.
std::uint64_t hash_of_shards(const Communicator& comm, const std::string& file, const LoadedRows& loaded);
/// [collective] The hash of a library's file; throws Fault::missing, and Fault::data where ranks see
/// different files.
std::uint64_t hash_of_library(const Communicator& comm, const std::string& file);

/// The library of a Stan program, by its own name or the source's.
std::string stan_library_file(const Config& config);
/// [collective] The text of model.data; "" where there is none.
std::string read_stan_json(const Communicator& comm, const Config& config);
/// The rows of a Stan program in shards: of the JSON, or those loaded.
StanData stan_data(const Config& config, const std::string& json, std::optional<LoadedRows> loaded);

}  // namespace vfe
