#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace vfe {

/// What a text may have been meant to be: "a number with a unit" (currencies, percent, thousands set apart),
/// "a date" (or a time); empty for a word like any other.
std::string_view likeness(std::string_view text);

/// What most of some texts are like; empty where most are words.
std::string_view common_likeness(const std::vector<std::string>& texts);

}  // namespace vfe
