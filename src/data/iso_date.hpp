#pragma once
#include <optional>
#include <string_view>

namespace vfe {

/// Whether a text is written as a date of ISO 8601 is, if there is such a day or not: 2024-03-01, perhaps
/// with a time, 2024-03-01T12:30 or 2024-03-01 12:30:05.
bool looks_like_iso_date(std::string_view text);

/// Days since 1970-01-01, with the time as a part of one; nothing where there is no such day or time.
std::optional<double> days_of_iso_date(std::string_view text);

}  // namespace vfe
