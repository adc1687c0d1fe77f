#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "vfe/core/parameters.hpp"
#include "vfe/core/rows.hpp"
#include "vfe/core/types.hpp"

namespace vfe {

/// A variable of an ArviZ group. Dimensions include the sampling ones ("chain", "draw") where it
/// has them; values are row-major over all dimensions.
struct Variable {
  std::string name;
  std::vector<Dimension> dimensions;
  std::vector<double> values;
  bool whole = false;  ///< stored as integers
};

using Attribute = std::variant<std::string, double, std::int64_t, std::vector<std::string>>;

/// An InferenceData group: posterior, sample_stats, ...
struct Group {
  std::string name;
  std::vector<Variable> variables;
  /// Beside those of every group: when it was written and by what version of vfe.
  std::map<std::string, Attribute> attributes = {};
};

/// A result file: HDF5 that netCDF4, xarray and ArviZ open, plus the group /vfe of our own.
struct ResultFile {
  std::vector<Group> groups;
  std::map<std::string, Attribute> attributes;  ///< of /vfe
  std::map<std::string, std::string> texts;     ///< /vfe/<name>: config, parameters, schema
  std::map<std::string, Matrix> arrays;         ///< /vfe/<name>: lambda, trace/free_energy, ...

  const Variable& variable(const std::string& group, const std::string& name) const;  ///< throws Fault::data
};

/// Atomic, and sealed with a hash of all bytes. Throws Fault::cannot_create or Fault::io. One process.
void write_result(const std::filesystem::path& path, const ResultFile& result);
/// Throws Fault::missing, Fault::io, or Fault::data: also where the seal is not there or not right, as it is
/// not after another program has written into the file.
ResultFile read_result(const std::filesystem::path& path);
/// Only the /vfe group: draws are read for the seal alone, and not kept.
ResultFile read_result_summary(const std::filesystem::path& path);

/// Parameters as JSON and back: a result carries its transforms.
std::string to_json(const Parameters& parameters);
Parameters parameters_from_json(const std::string& text);

/// Likewise the design of a model with a formula.
std::string to_json(const DesignSchema& design);
DesignSchema design_schema_from_json(const std::string& text);

}  // namespace vfe
