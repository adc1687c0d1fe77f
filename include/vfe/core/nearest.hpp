#pragma once
#include <string>
#include <vector>

namespace vfe {

/// The names most like a misspelt one (edit distance, letter case ignored), nearest first, at most `count`.
std::vector<std::string> nearest(const std::string& word, const std::vector<std::string>& names,
                                 std::size_t count = 3);

/// The nearest of the names where it is near: no more than half of its letters differ; else empty.
std::string meant(const std::string& word, const std::vector<std::string>& names);

}  // namespace vfe
