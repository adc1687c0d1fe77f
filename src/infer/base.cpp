#include "base.hpp"

#include <cmath>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/infer/polish.hpp"
#include "vfe/objective/free_energy.hpp"

namespace vfe {

Affine wide_start(const Target& target, const Minibatch& batch, const Laplace& laplace, std::uint64_t seed) {
  constexpr Index num_wide = 3, num_draws = 64;
  constexpr double width = 0.5;
  const Index d = target.size();
  std::vector<Affine> candidates{laplace.map};
  for (Index k = 0; k < num_wide; ++k) {
    // Starts of the mode search are draws 0, 1, ... of block 0.
    const Address at{
        .seed = seed, .purpose = Purpose::start, .draw = static_cast<std::uint32_t>(k), .block = 1};
    Affine wide{Vector(d), laplace.map.scale};
    for (Index i = 0; i < d; ++i) wide.shift(i) = 2.0 * uniform(at, static_cast<std::uint32_t>(i)) - 1.0;
    if (laplace.map.diagonal()) {
      wide.scale.setConstant(width);
    } else {
      wide.scale = width * Matrix::Identity(d, d);
    }
    candidates.push_back(std::move(wide));
  }

  const Index count = static_cast<Index>(candidates.size());
  const Matrix noise = whitened_noise(d, num_draws, seed);
  Matrix theta(d, count * num_draws), no_gradient(d, 0);
  for (Index k = 0; k < count; ++k) {
    theta.middleCols(k * num_draws, num_draws) = candidates[static_cast<std::size_t>(k)].apply(noise);
  }
  Vector value(count * num_draws);
  target.log_joint(batch, theta, value, no_gradient);

  std::size_t best = 0;
  double lowest = INFINITY;
  for (std::size_t k = 0; k < candidates.size(); ++k) {
    const double mean = value.segment(static_cast<Index>(k) * num_draws, num_draws).mean();
    const double free_energy =
        -mean - candidates[k].log_det();  // but for the entropy of N(0, I), common to all
    if (free_energy < lowest) {
      lowest = free_energy;
      best = k;
    }
  }
  return candidates[best];
}

void set_base(State& state, const Laplace& base, double share) {
  state.memory["base_shift"] = base.map.shift;
  state.memory["base_scale"] = base.map.scale;
  state.memory["base_log_evidence"] = Matrix::Constant(1, 1, base.log_evidence);
  state.memory["base_share"] = Matrix::Constant(1, 1, share);
  state.memory["base_definite"] = Matrix::Constant(1, 1, base.definite ? 1.0 : 0.0);
}

Affine base_of(const State& state) {
  return Affine{state.memory.at("base_shift").col(0), state.memory.at("base_scale")};
}

}  // namespace vfe
