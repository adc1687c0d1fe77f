#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace vfe {

/// What commands print has lines of at most this many columns, but JSON.
inline constexpr std::size_t text_columns = 100;

/// Columns that a text takes on a terminal, one for each character.
std::size_t num_columns(std::string_view text);

/// A text in lines of at most `width` columns, broken at spaces, a longer word where it must be; those after
/// the first begin with `indent` spaces. Ends without a newline.
std::string wrapped(std::string_view text, std::size_t width, std::size_t indent);

}  // namespace vfe
