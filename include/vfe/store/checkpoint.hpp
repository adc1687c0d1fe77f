#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "vfe/core/state.hpp"

namespace vfe {

constexpr int checkpoint_version = 1;

/// A fit in progress and what it belongs to.
struct Checkpoint {
  State state;
  std::string config;                      ///< effective configuration, TOML
  std::uint64_t model = 0;                 ///< hash of the model: its configuration and parameters
  std::uint64_t data = 0;                  ///< content hash of the dataset
  std::map<std::string, double> counters;  ///< gradients, seconds, ... so far
  std::string made_by;                     ///< "vfe 0.1.0", of one read from a file; not packed
};

/// Writes checkpoint.<step>.h5 in `directory` (atomic, sealed), then removes all but the two newest up
/// to this step, and those beyond it: a resume from an older one has given them up. Root only. Throws
/// Fault::cannot_create or Fault::io; the older generations then stand.
void write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint);

/// The step in the name of a checkpoint's file; empty if it is not such a name.
std::optional<std::uint64_t> step_of_checkpoint(const std::filesystem::path& path);

/// The checkpoint in one file. Throws Fault::missing, Fault::io, or Fault::checkpoint where it is not valid.
Checkpoint read_checkpoint_file(const std::filesystem::path& path);

/// Steps of the checkpoints present, newest first.
std::vector<std::uint64_t> list_checkpoints(const std::filesystem::path& directory);

/// The newest valid checkpoint; empty if there is none at all. A bad one is skipped with a line in
/// `warnings`. Throws Fault::checkpoint when there are some and none is valid.
std::optional<Checkpoint> read_checkpoint(const std::filesystem::path& directory,
                                          std::vector<std::string>& warnings);

/// The bytes of a checkpoint, so that rank 0 reads and all ranks hold the same.
std::string pack(const Checkpoint& checkpoint);
Checkpoint unpack_checkpoint(const std::string& bytes);

}  // namespace vfe
