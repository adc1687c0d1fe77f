#include "stan/tool_output.hpp"

#include <fmt/format.h>

#include <cstring>
#include <sstream>

#include "vfe/core/error.hpp"

namespace vfe {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string trimmed(const std::string& line) {
  const std::size_t first = line.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : line.substr(first, line.find_last_not_of(" \t\r\n") - first + 1);
}

void check_not_stopped(const ChildResult& result, const std::string& doing) {
  if (result.signal == 0) return;
  throw Error(Fault::stopped,
              fmt::format("{}: ended by signal {} ({})", doing, result.signal, ::strsignal(result.signal)));
}

}  // namespace vfe
