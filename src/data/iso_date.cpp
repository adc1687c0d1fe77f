#include "data/iso_date.hpp"

#include <array>
#include <chrono>

#include "data/digit.hpp"

namespace vfe {
namespace {

constexpr std::string_view pattern = "dddd-dd-ddTdd:dd:dd";   // d: a digit
constexpr std::array<std::size_t, 3> lengths = {10, 16, 19};  // of a day, a minute, a second

int number(std::string_view text, std::size_t first, std::size_t count) {
  int value = 0;
  for (const char c : text.substr(first, count)) value = 10 * value + (c - '0');
  return value;
}

}  // namespace

bool looks_like_iso_date(std::string_view text) {
  bool whole = false;
  for (const std::size_t length : lengths) whole = whole || text.size() == length;
  if (!whole) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool fits = pattern[i] == 'd'   ? is_digit(text[i])
                      : pattern[i] == 'T' ? text[i] == 'T' || text[i] == ' '
                                          : text[i] == pattern[i];
    if (!fits) return false;
  }
  return true;
}

std::optional<double> days_of_iso_date(std::string_view text) {
  if (!looks_like_iso_date(text)) return std::nullopt;
  const std::chrono::year_month_day day{std::chrono::year(number(text, 0, 4)),
                                        std::chrono::month(static_cast<unsigned>(number(text, 5, 2))),
                                        std::chrono::day(static_cast<unsigned>(number(text, 8, 2)))};
  if (!day.ok()) return std::nullopt;
  const int hours = text.size() > 10 ? number(text, 11, 2) : 0,
            minutes = text.size() > 10 ? number(text, 14, 2) : 0;
  const int seconds = text.size() > 16 ? number(text, 17, 2) : 0;
  if (hours > 23 || minutes > 59 || seconds > 60) return std::nullopt;
  const auto days = std::chrono::sys_days(day).time_since_epoch().count();
  return static_cast<double>(days) + (3600 * hours + 60 * minutes + seconds) / 86400.0;
}

}  // namespace vfe
