#include "vfe/config/config_value.hpp"

#include <fmt/format.h>

namespace vfe {

std::optional<double> ConfigValue::number() const {
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  if (const auto* whole = as<std::int64_t>()) {
    if (*whole < -exact || *whole > exact) return std::nullopt;
    return static_cast<double>(*whole);
  }
  const auto* real = as<double>();
  return real == nullptr ? std::nullopt : std::optional(*real);
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + "\"";
}

}  // namespace vfe
