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
  /// Whether the iterates' distance from the optimum is proportional to the rate (averaged scales settle to
  /// constants), not to an unknown power of it (Welandawe et al. 2022, section 4).
  virtual bool settles() const = 0;
};

/// Adam (Kingma and Ba 2015): first moment with decay 0.9, second with 0.999; `averaged`: the second moment
/// is the plain average over all steps so far (weights 1 - 1/k; Mukkamala and Hein 2017), so that the
/// gradient being applied vanishes from its own normaliser.
std::unique_ptr<Optimizer> adam(bool averaged);
std::unique_ptr<Optimizer> gradient_descent();
/// "adam", "averaged_adam", "sgd"; throws Fault::config.
std::unique_ptr<Optimizer> make_optimizer(const std::string& name);

}  // namespace vfe
