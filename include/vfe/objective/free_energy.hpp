#pragma once
#include <cstdint>
#include <string>

#include "vfe/family/family.hpp"
#include "vfe/target/target.hpp"

namespace vfe {

/// An estimate of the free energy F(lambda) [nats; lower is better], its standard error, its gradient.
struct Estimate {
  double value = 0.0;
  /// Of value, over draws. Columns s and s + S/2 may be antithetic, so it is taken from the means of these
  /// pairs (from single draws if S is odd); infinite where there are fewer than two. With whitened noise,
  /// which takes out what is linear and quadratic exactly, it errs on the large side.
  double std_error = 0.0;
  Vector grad;
  /// Draws at which log f (or, with the path gradient, log q) or its gradient was not finite. If there are
  /// any, or lambda is itself too extreme, value is +infinity and grad zero: the caller steps back.
  Index non_finite = 0;
  double log_joint = 0.0;  ///< mean of log f over the draws; -infinity if any is not finite
};

/// How the gradient of F is estimated.
enum class Gradient {
  closed_entropy,  ///< entropy in closed form (as far as the family has one), log f through the draws: the
                   ///< gradient of the estimate itself, so that at fixed noise it can be minimised
  path,            ///< log q through the draws too, its own parameters held: zero noise at q = p
                   ///< (Roeder, Wu and Duvenaud 2017)
};

/// Free energy of a family over a target, in whitened coordinates: theta = map(u), u ~ q_lambda, so that a
/// fit near the posterior starts from N(0, I). F includes the map's log determinant and does not depend on
/// the map otherwise.
class FreeEnergy {
 public:
  /// Keeps references to target and family. Throws Fault::bug if the sizes differ.
  FreeEnergy(const Target& target, const Family& family, Affine map, Gradient gradient);

  const Family& family() const { return family_; }
  const Affine& map() const { return map_; }

  /// [collective] At given noise (num_noise x S), on a minibatch. Draws are S num_components(): of the first
  /// component, then of the next.
  Estimate estimate(ConstVec lambda, ConstMat noise, const Minibatch& batch = {}) const;

  /// [collective] Names the first draw, block and row where log f is not finite at this noise; empty if it is
  /// finite everywhere.
  std::string name_non_finite(ConstVec lambda, ConstMat noise, const Minibatch& batch = {}) const;

 private:
  Matrix draws(ConstVec lambda, ConstMat noise) const;

  const Target& target_;
  const Family& family_;
  Affine map_;
  Gradient gradient_;
};

/// n x S normals in antithetic pairs (column s and s + S/2), then whitened so that mean is 0 and covariance I
/// (to rounding) if S/2 >= n, else scaled to unit variance by coordinate. The same on every rank. Throws
/// Fault::bug unless S is even and positive.
Matrix whitened_noise(Index n, Index num_draws, std::uint64_t seed);

}  // namespace vfe
