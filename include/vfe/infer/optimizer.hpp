#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "vfe/core/types.hpp"

namespace vfe {

/// A first-order method. Stateless: lambda and its flat memory are the caller's.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  virtual Index memory(Index n) const = 0;  ///< doubles needed for n parameters; all zero at first
  /// Moves lambda down `grad` at a rate. `step` counts from 0 since the memory was zero.
  virtual void descend(std::uint64_t step, double rate, ConstVec grad, Vec lambda, Vec memory) const = 0;
};

/// Adam with averages over all gradients so far (weights 1 - 1/k), as the stopping rule of Welandawe et al.
/// needs it; `averaged` false: Kingma and Ba's fixed decays 0.9 and 0.999.
std::unique_ptr<Optimizer> adam(bool averaged);
std::unique_ptr<Optimizer> gradient_descent();
/// "adam", "averaged_adam", "sgd"; throws Fault::config.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name);

}  // namespace vfe
