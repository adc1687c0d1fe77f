#include "vfe/data/level_codes.hpp"

namespace vfe {

LevelCodes::LevelCodes(const std::vector<std::string>& known) : known_(&known) {
  codes_.reserve(known.size());
  for (const std::string& level : known) codes_.emplace(level, static_cast<std::int32_t>(codes_.size()));
}

std::int32_t LevelCodes::find(std::string_view level) const {
  const auto found = codes_.find(level);
  return found == codes_.end() ? -1 : found->second;
}

std::int32_t LevelCodes::add(std::string_view level) {
  const auto code = static_cast<std::int32_t>(known_->size() + added_.size());
  codes_.emplace(added_.emplace_back(level), code);
  return code;
}

const std::string& LevelCodes::name(std::int32_t code) const {
  const auto place = static_cast<std::size_t>(code);
  return place < known_->size() ? (*known_)[place] : added_[place - known_->size()];
}

}  // namespace vfe
