#pragma once
#include <string>
#include <string_view>

namespace vfe {

/// A text as it may reach a terminal: what would steer it (control characters but line feed and tab, those
/// of U+0080 to U+009F, marks that turn the direction of writing) is written as \u001b, bytes that are no
/// UTF-8 as \xe4. In JSON the former mean the same characters.
std::string printable(std::string_view text);

/// At most about `most` bytes of a text: of a longer one the beginning and the end, with its length between
/// them, cut between characters.
std::string shortened(std::string_view text, std::size_t most);

/// The number of bytes of the character that a text begins with; 0 where these are no UTF-8 (RFC 3629).
std::size_t utf8_length(std::string_view text);
bool is_utf8(std::string_view text);

}  // namespace vfe
