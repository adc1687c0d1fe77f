#pragma once
#include <memory>
#include <string>

#include "vfe/core/types.hpp"
#include "vfe/family/affine.hpp"

namespace vfe {

/// A kind of approximate posterior q. Stateless: the flat parameter vector lambda is the caller's. Noise is
/// standard normal, num_noise x S; theta is d x S. Gradients are added to. Not thread-parallel inside: the
/// same bits on every rank.
class Family {
 public:
  virtual ~Family() = default;
  virtual std::string name() const = 0;
  virtual Index size() const = 0;  ///< d
  virtual Index num_lambda() const = 0;
  virtual Index num_noise() const { return size(); }

  /// lambda with the given mean and standard deviation `scale` in every coordinate, uncorrelated (low_rank:
  /// correlations below 1e-4, since a zero factor is a saddle of the free energy).
  virtual Vector init(ConstVec mean, double scale) const = 0;
  /// Sets theta = T(noise; lambda).
  virtual void transform(ConstVec lambda, ConstMat noise, Mat theta) const = 0;
  /// Adds (dT/dlambda)' grad_theta, summed over draws.
  virtual void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const = 0;
  /// -E_q log q [nats]; adds its gradient (pass an empty one to skip it). -infinity, and no gradient, where
  /// lambda is too extreme for it to be computed.
  virtual double entropy(ConstVec lambda, Vec grad_lambda) const = 0;
  /// Sets value[s] = log q(theta_s) [nats] and adds its gradient in theta (pass 0 columns to skip it). Where
  /// the density cannot be computed (theta or lambda too extreme), value is -infinity and no gradient added.
  virtual void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const = 0;

  virtual Vector mean(ConstVec lambda) const = 0;
  virtual Vector standard_deviation(ConstVec lambda) const = 0;
  /// Whether q stays in the family under a dense affine map (else only under a diagonal one).
  virtual bool dense() const = 0;
  /// lambda of shift + scale u where u has lambda: fits are done in whitened coordinates u. Throws Fault::bug
  /// on a dense map if the family is not dense().
  virtual Vector push_forward(ConstVec lambda, const Affine& map) const = 0;
};

/// Independent normals. lambda = mean, log sd.
std::unique_ptr<Family> mean_field(Index d);
/// theta = mean + exp(log sd) * e + F z with F d x rank. lambda = mean, log sd, F (column-major);
/// noise = e then z. Density and gradient by the Woodbury identity: O(d rank S + d rank^2 + rank^3).
std::unique_ptr<Family> low_rank(Index d, Index rank);
/// theta = mean + L e, L lower triangular. lambda = mean, log diagonal, strict lower triangle by columns.
std::unique_ptr<Family> full_rank(Index d);
/// The map that makes a normal q of standard normal noise: lambda is mean_field's (2 d numbers) or
/// full_rank's (d (d + 3) / 2).
Affine normal_map(ConstVec lambda, Index d);
/// The other way round: lambda of mean_field for a diagonal map, else of full_rank (whose diagonal is
/// positive).
Vector normal_lambda(const Affine& map);
/// Which of the two families a lambda is of.
std::string normal_family(ConstVec lambda, Index d);
/// By the config's name; `rank` matters to low_rank alone, and one above d is taken as d (it adds nothing).
/// Throws Fault::config on an unknown name or a rank below 1.
std::unique_ptr<Family> make_family(const std::string& name, Index d, Index rank);

}  // namespace vfe
