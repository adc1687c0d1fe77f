#pragma once
#include <functional>
#include <optional>
#include <string>

#include "vfe/core/error.hpp"

namespace vfe {

/// What an exception says, as a fault and one line.
struct Failure {
  Fault fault = Fault::bug;
  std::string line;
};

/// Runs `work`. What it throws becomes a Failure; anything but an Error is a bug.
std::optional<Failure> failure_of(const std::function<void()>& work);

}  // namespace vfe
