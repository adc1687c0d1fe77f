#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "vfe/config/config.hpp"
#include "vfe/family/family.hpp"
#include "vfe/store/result.hpp"
#include "vfe/verdict/verdict.hpp"

namespace vfe {

/// A finished fit, read back: all that is needed to draw from q with neither model nor data.
struct SavedFit {
  ResultFile file;
  Config config;
  std::optional<DatasetSchema> table;  ///< of the dataset, if there was one
  std::optional<DesignSchema> design;  ///< of a model with a formula
  Parameters parameters;
  std::unique_ptr<const Family> family;
  Vector lambda;
  Verdict verdict;
};

/// The result of a run, whose folder or result file `run` is. Throws Fault::missing where it is a folder in
/// which no run has finished.
std::filesystem::path result_of_run(const std::filesystem::path& run);

enum class WithDraws { no, yes };

/// `run` is the folder of a run or its result file. Throws Fault::missing where the run is not finished,
/// Fault::data where the file is damaged.
SavedFit read_saved_fit(const std::filesystem::path& run, WithDraws draws);

}  // namespace vfe
