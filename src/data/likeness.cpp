#include "data/likeness.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>

#include "data/digit.hpp"

namespace vfe {
namespace {

constexpr std::string_view number = "a number with a unit", date = "a date";

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

/// Groups of digits with one of these signs between them, such as 2024-03-01, 1.3.24, 12:30:05.
bool is_date(std::string_view text) {
  constexpr std::string_view between = "-/.: T", after_time = "Z+";
  std::size_t groups = 0, in_group = 0, longest = 0, separators = 0;
  bool dots_alone = true;
  for (const char c : text) {
    if (is_digit(c)) {
      groups += in_group == 0;
      longest = std::max(longest, ++in_group);
    } else if (between.find(c) != std::string_view::npos && in_group > 0) {
      dots_alone = dots_alone && c == '.';
      ++separators;
      in_group = 0;
    } else if (after_time.find(c) == std::string_view::npos || groups < 3) {
      return false;
    }
  }
  if (groups == 2)
    return separators == 1 && !dots_alone && text.find_first_of(" .T") == std::string_view::npos;
  return groups >= 3 && longest <= 9 && separators + 1 >= groups;
}

/// "3 March 2024", "Mar 3, 2024", "March 2024".
bool names_month(std::string_view text) {
  constexpr std::array<std::string_view, 12> months = {"jan", "feb", "mar", "apr", "may", "jun",
                                                       "jul", "aug", "sep", "oct", "nov", "dec"};
  if (std::none_of(text.begin(), text.end(), is_digit)) return false;
  std::string word;
  for (const char c : text) {
    const char lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (lower >= 'a' && lower <= 'z') {
      word += lower;
    } else if (!word.empty()) {
      break;
    }
  }
  return word.size() >= 3 && word.size() <= 9 &&
         std::find(months.begin(), months.end(), std::string_view(word).substr(0, 3)) != months.end();
}

/// Digits, with signs of thousands and of decimals among them, and something short that is no digit before
/// or after: "$100.22", "12.5%", "1,240 EUR", "-3 kg", "1.234,50", "<0.5".
bool is_quantity(std::string_view text) {
  constexpr std::size_t longest_unit = 8;
  constexpr std::string_view inside = ",.' _";
  const auto first = std::find_if(text.begin(), text.end(), is_digit);
  if (first == text.end()) return false;
  const auto last = std::find_if(text.rbegin(), text.rend(), is_digit).base();
  const std::string_view before(text.begin(), first), digits(first, last), after(last, text.end());
  // "x1", "ward-3", "group 10" are names; of words only a currency stands before a number, "USD 12".
  const auto is_letter = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
  const auto is_capital = [](char c) { return c >= 'A' && c <= 'Z'; };
  const bool currency = before.size() == 4 && std::all_of(before.begin(), before.end() - 1, is_capital) &&
                        is_blank(before.back());
  if (std::any_of(before.begin(), before.end(), is_letter) && !currency) return false;
  if (before.size() > longest_unit || after.size() > longest_unit) return false;
  return std::all_of(digits.begin(), digits.end(), [&](char c) {
    // Blanks that set thousands apart may be of more than one byte.
    return is_digit(c) || inside.find(c) != std::string_view::npos || static_cast<unsigned char>(c) >= 0x80;
  });
}

}  // namespace

std::string_view likeness(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  if (is_date(text) || names_month(text)) return date;
  return is_quantity(text) ? number : std::string_view();
}

std::string_view common_likeness(const std::vector<std::string>& texts) {
  std::map<std::string_view, std::size_t> counts;
  for (const std::string& text : texts) ++counts[likeness(text)];
  for (const auto& [what, count] : counts) {
    if (!what.empty() && 2 * count > texts.size()) return what;
  }
  return {};
}

}  // namespace vfe
