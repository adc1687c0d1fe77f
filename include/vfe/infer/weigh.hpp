#pragma once
#include <cstdint>

#include "vfe/infer/stage.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

struct WeighOptions {
  Minibatch batch = {};
  Index draws = 256;
  std::uint64_t seed = 1;
};

/// Stage "weigh": log weights of fresh draws of the normal q in State::lambda, which no fit has seen. Whether
/// importance sampling can work is a matter of their variance, not of the dimension: up to about 1.5 a
/// quarter of the draws is effective. Values alone, no gradients. Leaves left::weighed.
std::unique_ptr<Stage> weigh(const Target& target, const WeighOptions& options);

/// The variance of left::weighed; infinite where one is not finite.
double weighed_variance(const State& state);

}  // namespace vfe
