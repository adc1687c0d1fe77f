#pragma once
#include <string_view>

namespace vfe {

/// Writes a text to stderr at once, whatever comes of it: that nobody can listen is no reason to end a fit.
void notice(std::string_view text);

}  // namespace vfe
