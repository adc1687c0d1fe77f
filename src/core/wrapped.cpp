#include "vfe/core/wrapped.hpp"

#include <algorithm>

#include "vfe/core/printable.hpp"

namespace vfe {
namespace {

/// Bytes of the first `columns` characters, or of all.
std::size_t bytes_of(std::string_view text, std::size_t columns) {
  std::size_t bytes = 0;
  for (; columns > 0 && bytes < text.size(); --columns) {
    bytes += std::max<std::size_t>(utf8_length(text.substr(bytes)), 1);
  }
  return bytes;
}

}  // namespace

std::size_t num_columns(std::string_view text) {
  std::size_t columns = 0;
  for (; !text.empty(); ++columns) text.remove_prefix(bytes_of(text, 1));
  return columns;
}

std::string wrapped(std::string_view text, std::size_t width, std::size_t indent) {
  std::string out;
  std::size_t room = std::max<std::size_t>(width, 1);
  const std::size_t later = width > indent ? width - indent : 1;
  while (num_columns(text) > room) {
    const std::size_t all = bytes_of(text, room);
    // A space that follows directly does not count.
    const std::size_t space = text.substr(0, all + 1).rfind(' ');
    const bool whole = space != std::string_view::npos && space > 0;
    const std::string_view line = text.substr(0, whole ? space : all);
    out.append(line);
    text.remove_prefix(line.size());
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) return out;
    out.append("\n").append(indent, ' ');
    room = later;
  }
  return out.append(text);
}

}  // namespace vfe
