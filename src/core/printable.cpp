#include "vfe/core/printable.hpp"

#include <fmt/format.h>

#include <cstdint>

namespace vfe {
namespace {

unsigned char byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned char>(text[i]);
}

bool continues(std::string_view text, std::size_t i) {
  return i < text.size() && (byte_at(text, i) & 0xC0) == 0x80;
}

std::uint32_t code_point(std::string_view character) {
  if (character.size() == 1) return byte_at(character, 0);
  std::uint32_t code = byte_at(character, 0) & (0xFFu >> (character.size() + 1));
  for (std::size_t i = 1; i < character.size(); ++i) code = (code << 6) | (byte_at(character, i) & 0x3Fu);
  return code;
}

bool steers(std::uint32_t code) {
  const auto within = [code](std::uint32_t first, std::uint32_t last) {
    return first <= code && code <= last;
  };
  return (code < 0x20 && code != '\n' && code != '\t') || within(0x7F, 0x9F) || code == 0x061C ||
         within(0x200E, 0x200F) || within(0x2028, 0x202E) || within(0x2066, 0x2069);
}

}  // namespace

std::size_t utf8_length(std::string_view text) {
  if (text.empty()) return 0;
  const unsigned char first = byte_at(text, 0);
  const std::size_t length = first < 0x80   ? 1
                             : first < 0xC2 ? 0
                             : first < 0xE0 ? 2
                             : first < 0xF0 ? 3
                             : first < 0xF5 ? 4
                                            : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if (!continues(text, i)) return 0;
  }
  if (length < 3) return length;
  // Longer than need be, half of a pair, or beyond the last character.
  const std::uint32_t code = code_point(text.substr(0, length));
  const bool wrong =
      length == 3 ? code < 0x800 || (code >= 0xD800 && code <= 0xDFFF) : code < 0x10000 || code > 0x10FFFF;
  return wrong ? 0 : length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      out += fmt::format("\\x{:02x}", byte_at(text, 0));
      text.remove_prefix(1);
      continue;
    }
    const std::string_view character = text.substr(0, length);
    if (const std::uint32_t code = code_point(character); steers(code)) {
      out += fmt::format("\\u{:04x}", code);
    } else {
      out += character;
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string shortened(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  const std::string between = fmt::format("...({} bytes)...", text.size());
  std::size_t first = 2 * most / 3, last = text.size() - most / 3;
  while (first > 0 && continues(text, first)) --first;
  while (last < text.size() && continues(text, last)) ++last;
  return std::string(text.substr(0, first)) + between + std::string(text.substr(last));
}

}  // namespace vfe
