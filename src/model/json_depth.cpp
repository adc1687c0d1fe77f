#include "model/json_depth.hpp"

#include <fmt/format.h>

#include "vfe/core/error.hpp"

namespace vfe {

void check_json_depth(const std::string& json, const std::string& name) {
  constexpr int deepest = 100;
  int depth = 0, line = 1;
  bool quoted = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    line += c == '\n';
    if (quoted) {
      if (c == '\\') ++i;
      quoted = c != '"';
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > deepest) {
        throw Error(Fault::data,
                    fmt::format("{}, line {}: arrays and objects more than {} deep, expected the data of a "
                                "Stan program",
                                name, line, deepest));
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

}  // namespace vfe
