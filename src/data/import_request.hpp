#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "data/source_column.hpp"
#include "vfe/data/import.hpp"

namespace vfe {

/// Throws Fault::usage for options that contradict each other, Fault::cannot_create for an output that cannot
/// be made.
void validate(const ImportOptions& options);

/// What of a table an import takes.
struct ChosenColumns {
  std::vector<SourceColumn> columns;
  std::vector<std::string> groups;  ///< columns by which rows are kept together, the outer first
};

/// The columns of a header that the options leave. Throws Fault::usage where an option names a column that is
/// not there or dropped, a group is named twice, or no column is left.
ChosenColumns choose_columns(const ImportOptions& options, const std::vector<std::string>& header);

std::filesystem::path folder_of(const std::filesystem::path& output);

}  // namespace vfe
