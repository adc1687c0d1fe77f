#include "vfe/core/nearest.hpp"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <utility>

namespace vfe {

namespace {

/// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other (Wagner and
/// Fischer 1974, with Damerau's swap: the slip of a fast typist).
std::size_t edit_distance(const std::string& a, const std::string& b) {
  const auto same = [](char left, char right) {
    return std::tolower(static_cast<unsigned char>(left)) == std::tolower(static_cast<unsigned char>(right));
  };
  std::vector<std::size_t> before, above, row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before = std::exchange(above, row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
      row[j] = std::min({replaced, row[j - 1] + 1, above[j] + 1});
      if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1])) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string> nearest(const std::string& word, const std::vector<std::string>& names,
                                 std::size_t count) {
  std::vector<std::pair<std::size_t, std::size_t>> ranked;  // distance, position
  for (std::size_t i = 0; i < names.size(); ++i) ranked.emplace_back(edit_distance(word, names[i]), i);
  std::sort(ranked.begin(), ranked.end());
  std::vector<std::string> found;
  for (const auto& [distance, i] : ranked)
    if (found.size() < count) found.push_back(names[i]);
  return found;
}

std::string meant(const std::string& word, const std::vector<std::string>& names) {
  const std::vector<std::string> near = nearest(word, names, 1);
  const bool is_near = !near.empty() && 2 * edit_distance(word, near.front()) <= near.front().size();
  return is_near ? near.front() : "";
}

}  // namespace vfe
