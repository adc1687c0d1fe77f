#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/core/row_source.hpp"
#include "vfe/core/table_source.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/model.hpp"
#include "vfe/model/stan_data.hpp"
#include "vfe/store/dataset.hpp"
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
  Integrated* integrated = nullptr;  ///< the model, where it has effects of groups
  std::string description;
  std::vector<std::string> notes;  ///< what a person should know of the data
  std::optional<DatasetSchema> table;
  std::optional<DesignSchema> design;
  Vector response;
  std::map<std::string, Matrix> arrays;  ///< Problem::arrays()
  std::uint64_t data_hash = 0;
  std::uint64_t code_hash = 0;            ///< of the library
  std::shared_ptr<PrintedLines> printed;  ///< of a Stan program
};

// [collective] By the kind of model; throw as Problem does.
LoadedModel load_built_in(const Communicator& comm, const Config& config);
LoadedModel load_stan(const Communicator& comm, const Config& config);
LoadedModel load_plugin(const Communicator& comm, const Config& config);

/// This rank's shard of a dataset file. Of each block that is read, in their order, it notes the hash the
/// first time.
class ShardOfFile final : public TableSource {
 public:
  /// Throws as Dataset.
  ShardOfFile(const Communicator& comm, const std::string& file);

  const DatasetSchema& schema() const override { return file_.schema(); }
  Index first_block() const override { return own_.first; }
  const Blocks& blocks() const override { return blocks_; }
  TableRows read(const BlockRange& blocks) const override;

  std::string name_row(Index row) const { return file_.name_row(row); }
  /// [collective] Throws Fault::data, naming the ranks, where they have opened files that differ in schema or
  /// content; of a file without a hash of its content, in size or first block.
  void expect_same_file(const Communicator& comm) const;
  /// [collective] The hash of all shards, once all blocks have been read; throws Fault::data where the file
  /// says another.
  std::uint64_t hash(const Communicator& comm) const;

 private:
  Dataset file_;
  BlockRange own_;
  Blocks blocks_;
  mutable std::mutex mutex_;  ///< HDF5 reads for one at a time
  mutable Index noted_ = 0;   ///< blocks
  mutable std::uint64_t content_ = 0;
};

/// The options of the built-in model that a configuration names, over rows of that design.
GlmOptions glm_options(const Config& config, const DesignSchema& design);
/// That model over some rows, which have no effects of groups; none where it names no built-in one. Throws as
/// its constructor.
std::unique_ptr<const Model> built_in_model(const Config& config, std::shared_ptr<const RowSource> rows);
/// The same of rows that have.
std::unique_ptr<Integrated> mixed_model(const Config& config, std::shared_ptr<const RowSource> rows);

/// [collective] The hash of a library's file; throws Fault::missing, and Fault::data where ranks see
/// different files.
std::uint64_t hash_of_library(const Communicator& comm, const std::string& file);

/// The library of a Stan program, by its own name or the source's.
std::string stan_library_file(const Config& config);
/// [collective] The text of model.data; "" where there is none.
std::string read_stan_json(const Communicator& comm, const Config& config);
/// The rows of a Stan program in shards: those given, or else of the JSON.
StanData stan_data(const Config& config, const std::string& json, const TableSource* rows);

}  // namespace vfe
