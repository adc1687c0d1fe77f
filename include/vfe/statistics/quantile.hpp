#pragma once
#include <cstddef>
#include <span>

namespace vfe {

/// Quantile of ascending values, linear between order statistics (type 7 of Hyndman and Fan 1996, as R and
/// NumPy have it). `values` is not empty.
inline double sorted_quantile(std::span<const double> values, double probability) {
  const double position = probability * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::size_t>(position);
  if (below + 1 >= values.size() || values[below] == values[below + 1]) return values[below];
  return values[below] + (position - static_cast<double>(below)) * (values[below + 1] - values[below]);
}

}  // namespace vfe
