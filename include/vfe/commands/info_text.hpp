#pragma once
#include <string>

#include "vfe/commands/info.hpp"

namespace vfe {

/// For people, in lines of at most text_columns.
std::string to_text(const FileInfo& info);
/// For scripts.
std::string to_json(const FileInfo& info);

}  // namespace vfe
