#pragma once
#include <string>
#include <vector>

namespace vfe {

/// The names most like a misspelt one (edit distance, letter case ignored), nearest first, at most `count`.
std::vector<std::string> nearest(const std::string& word, const std::vector<std::string>& names,
                                 std::size_t count = 3);

}  // namespace vfe
