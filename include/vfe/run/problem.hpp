#pragma once
#include <cstdint>
#include <memory>

#include "vfe/comm/communicator.hpp"
#include "vfe/model/glm.hpp"
#include "vfe/run/config.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What a configuration is about: a dataset, the model over this rank's shard of it, and the target of all
/// ranks.
class Problem {
 public:
  /// [collective] Reads the shards and builds the model. Throws Fault::missing; Fault::data (a bad file or
  /// value, contents that disagree with the file's hash, weights that are all zero); Fault::config (a prior
  /// that names no column).
  Problem(const Communicator& comm, const Config& config);

  const Schema& schema() const { return schema_; }
  const Glm& model() const { return *model_; }
  const Target& target() const { return *target_; }
  Target& target() { return *target_; }
  const Vector& response() const { return response_; }      ///< y of the shard's rows
  std::uint64_t data_hash() const { return data_hash_; }    ///< of the contents of all blocks
  std::uint64_t model_hash() const { return model_hash_; }  ///< of [model] and the parameters

 private:
  Schema schema_;
  Vector response_;
  std::uint64_t data_hash_ = 0, model_hash_ = 0;
  std::unique_ptr<const Glm> model_;
  std::unique_ptr<Target> target_;
};

}  // namespace vfe
