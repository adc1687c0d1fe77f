#include "vfe/core/error.hpp"

#include <algorithm>

#include "vfe/core/printable.hpp"

namespace vfe {

namespace {

// A name of a megabyte is no help to who reads the line; a path may be long.
constexpr std::size_t longest_word = 400, longest_line = 4000;

bool is_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  while (true) {
    const auto begin = std::find_if_not(text.begin(), text.end(), is_blank);
    const auto end = std::find_if(begin, text.end(), is_blank);
    if (begin == end) break;
    if (!line.empty()) line += ' ';
    line += shortened(printable(std::string_view(begin, end)), longest_word);
    text = std::string_view(end, text.end());
  }
  return shortened(line, longest_line);
}

}  // namespace vfe
