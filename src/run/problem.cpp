#include "vfe/run/problem.hpp"

#include <fmt/format.h>
#include <xxhash.h>

#include <string>
#include <utility>

#include "vfe/core/error.hpp"
#include "vfe/store/dataset.hpp"
#include "vfe/store/result.hpp"

namespace vfe {
namespace {

std::uint64_t hash_of_model(const Config& config, const Parameters& parameters) {
  Config only_model;
  only_model.model = config.model;
  const std::string text = to_toml(only_model) + to_json(parameters);
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace

Problem::Problem(const Communicator& comm, const Config& config) {
  BlockRange blocks;
  std::uint64_t content = 0, weighted_rows = 0;
  bool has_content_hash = false;
  comm.collectively("loading data", [&] {
    const Dataset dataset(config.data.file);
    schema_ = dataset.schema();
    has_content_hash = dataset.has_content_hash();
    blocks = shard(schema_.num_blocks(), comm.rank(), comm.size());
    Rows rows = dataset.read(blocks);
    content = content_hash(schema_, rows);
    weighted_rows = static_cast<std::uint64_t>(rows.weight.size() > 0 ? (rows.weight.array() != 0.0).count()
                                                                      : rows.size());
    response_ = rows.y;
    try {
      model_ = std::make_unique<const Glm>(config.model, schema_, std::move(rows));
    } catch (const RowError& error) {
      throw Error(error.fault(),
                  fmt::format("{}: {}: {}", config.data.file, dataset.name_row(error.row()), error.found()));
    } catch (const Error& error) {
      throw Error(error.fault(), fmt::format("{}: {}", config.data.file, error.what()));
    }
  });

  data_hash_ = comm.sum(content);
  if (has_content_hash && data_hash_ != schema_.content) {
    throw Error(
        Fault::data,
        fmt::format("while loading data: {}: its contents have the hash {:016x}, expected {:016x}: the "
                    "file was changed or damaged after it was written",
                    config.data.file, data_hash_, schema_.content));
  }
  if (comm.sum(weighted_rows) == 0) {
    throw Error(Fault::data,
                fmt::format("while loading data: {}: the weights of all {} rows are 0, expected at "
                            "least one above 0",
                            config.data.file, schema_.rows));
  }
  model_hash_ = hash_of_model(config, model_->parameters());
  target_ = std::make_unique<Target>(*model_, comm, blocks.first, schema_.num_blocks(), config.fit.threads);
}

}  // namespace vfe
