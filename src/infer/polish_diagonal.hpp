#pragma once
#include <memory>

#include "vfe/infer/polish.hpp"

namespace vfe {

/// The stage "polish" for a diagonal base in dimensions where a dense Hessian is too much.
std::unique_ptr<Stage> polish_diagonal(const Target& target, const PolishOptions& options);

}  // namespace vfe
