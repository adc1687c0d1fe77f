#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "vfe/comm/communicator.hpp"
#include "vfe/config/config.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/core/table.hpp"
#include "vfe/model/integrated.hpp"
#include "vfe/model/model.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// What a configuration is about: data, the model over this rank's share of them, and the target of all
/// ranks.
class Problem {
 public:
  /// [collective] Reads the data and makes the model that the configuration names. Throws Fault::missing;
  /// Fault::data (a bad file, library or value, contents that disagree with the file's hash, libraries that
  /// differ between ranks, weights that are all zero); Fault::config (a prior that names no column).
  Problem(const Communicator& comm, const Config& config);
  /// [collective] Of a program's own model, which it refers to; of an Integrated one it has a copy, whose
  /// number of nodes may change.
  Problem(const Communicator& comm, const Config& config, const Model& model);
  ~Problem();

  const Model& model() const;
  /// The model, where effects of groups are integrated in it; else null. Its number of nodes is to be changed
  /// on all ranks alike.
  Integrated* integrated() const;
  const Target& target() const { return *target_; }
  Target& target() { return *target_; }
  /// What the data are, for people: "data.h5: 300 rows, 2 columns, 5 blocks".
  const std::string& description() const;
  const std::vector<std::string>& notes() const;      ///< what a person should know of the data
  const std::optional<DatasetSchema>& table() const;  ///< of the dataset, if there is one
  const std::optional<DesignSchema>& design() const;  ///< of a model with a formula
  const Vector& response() const;  ///< y of the shard's rows; empty where a model has no rows of its own
  /// What of the data theta means something by, for results to keep: by name, as in a ResultFile.
  const std::map<std::string, Matrix>& arrays() const;
  std::uint64_t data_hash() const;   ///< of the contents of all blocks
  std::uint64_t model_hash() const;  ///< of [model], the library and the parameters

  /// What the model prints on this rank goes there, line by line, from any thread: first what it has printed
  /// so far. The receiver must outlive the problem.
  void on_print(std::function<void(const std::string& line)> receiver);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<Target> target_;
};

/// What a result says of a fit's model.
struct SavedModel {
  const Config& config;
  const std::optional<DatasetSchema>& table;
  const std::optional<DesignSchema>& design;
  const Parameters& parameters;
  const std::map<std::string, Matrix>& arrays;  ///< Problem::arrays(), among others
};

/// That model, knowing none of its rows: for parameters and quantities. Throws as Problem; Fault::data where
/// arrays are not the parameters'.
std::unique_ptr<const Model> model_without_rows(const SavedModel& saved);

}  // namespace vfe
