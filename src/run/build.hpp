#pragma once
#include <string>

namespace vfe {

/// The compiler, its target and the kind of build: what bits may depend on, with the version.
std::string build_description();

}  // namespace vfe
