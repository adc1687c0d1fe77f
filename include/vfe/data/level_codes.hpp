#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace vfe {

/// The codes of a factor's levels by their names: of those that it has, 0, 1, ..., and of others that are
/// met, which get the codes after these.
class LevelCodes {
 public:
  /// `known` outlives this.
  explicit LevelCodes(const std::vector<std::string>& known);
  LevelCodes(LevelCodes&&) = default;

  /// -1 of a level that is neither.
  std::int32_t find(std::string_view level) const;
  /// Of a level that find() does not find.
  std::int32_t add(std::string_view level);
  const std::string& name(std::int32_t code) const;

 private:
  const std::vector<std::string>* known_;
  std::deque<std::string> added_;
  std::unordered_map<std::string_view, std::int32_t> codes_;
};

}  // namespace vfe
