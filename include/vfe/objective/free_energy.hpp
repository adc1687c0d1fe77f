#pragma once
#include <cstdint>

#include "vfe/family/family.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// An estimate of the free energy F(lambda) [nats; lower is better], its standard error, its gradient.
struct Estimate {
  double value = 0.0, std_error = 0.0;
  Vector grad;
  Index non_finite = 0;  ///< draws at which log f was not finite; value is then +infinity
  double log_joint = 0.0;  ///< mean of log f over the draws
};

/// How the gradient of F is estimated.
enum class Gradient {
  closed_entropy,  ///< entropy in closed form, log f through the draws
  path,            ///< log q through the draws too, its own parameters held: zero noise at q = p
                   ///< (Roeder, Wu and Duvenaud 2017)
};

/// Free energy of a family over a target, in whitened coordinates: theta = map(u), u ~ q_lambda, so that a
/// fit near the posterior starts from N(0, I). F includes the map's log determinant and does not depend on
/// the map otherwise.
class FreeEnergy {
 public:
  FreeEnergy(const Target& target, const Family& family, Affine map, Gradient gradient);

  const Family& family() const { return family_; }
  const Affine& map() const { return map_; }

  /// [collective] At given noise (num_noise x S), on a minibatch.
  Estimate estimate(ConstVec lambda, ConstMat noise, const Minibatch& batch = {}) const;

 private:
  const Target& target_;
  const Family& family_;
  Affine map_;
  Gradient gradient_;
};

/// n x S normals in antithetic pairs (column s and s + S/2), then whitened so that mean is 0 and covariance I
/// exactly if S/2 >= n, else scaled to unit variance by coordinate. S even. The same on every rank.
Matrix whitened_noise(Index n, Index num_draws, std::uint64_t seed);

}  // namespace vfe
