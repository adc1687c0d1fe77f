#pragma once
#include <Eigen/Core>
#include <type_traits>

#include "vfe/core/types.hpp"

namespace vfe {

/// Calls f with k, known at compile time where it is small.
template <class F>
auto with_size(Index k, F f) {
  switch (k) {
    case 1:
      return f(std::integral_constant<int, 1>());
    case 2:
      return f(std::integral_constant<int, 2>());
    case 3:
      return f(std::integral_constant<int, 3>());
    default:
      return f(std::integral_constant<int, Eigen::Dynamic>());
  }
}

}  // namespace vfe
