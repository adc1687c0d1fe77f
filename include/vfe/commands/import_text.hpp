#pragma once
#include <string>

#include "vfe/data/import.hpp"

namespace vfe {

/// What an import came to: reference levels, the codes of a response, rows left out and set aside, sizes.
std::string import_text(const ImportReport& report, const ImportOptions& options);

}  // namespace vfe
