#pragma once
#include <memory>
#include <string>
#include <vector>

#include "vfe/core/types.hpp"
#include "vfe/family/affine.hpp"

namespace vfe {

/// A kind of approximate posterior q. Stateless: the flat parameter vector lambda is the caller's. Noise is
/// standard normal, num_noise x S; theta is d x S. Gradients are added to. Not thread-parallel inside: the
/// same bits on every rank. No lambda and no finite noise gives NaN: what overflows is infinite, and a
/// gradient that cannot be computed is infinite.
///
/// q = sum_k weight_k q_k, of one component but for a mixture. A draw has to choose a component, by a
/// coordinate of the noise that serves nothing else; that is a jump, and no derivative of a draw knows of the
/// weights. An average over q is therefore taken in every component, at the same noise, and is smooth:
///
///   E_q h = sum_k weight_k(lambda) E h(T_k(noise; lambda))
class Family {
 public:
  virtual ~Family() = default;
  virtual std::string name() const = 0;
  virtual Index size() const = 0;  ///< d
  virtual Index num_lambda() const = 0;
  virtual Index num_noise() const { return size(); }

  /// lambda with the given mean and standard deviation `scale` in every coordinate, uncorrelated (low_rank:
  /// correlations below 1e-4, since a zero factor is a saddle of the free energy; for the same reason the
  /// components of a mixture lie apart, in directions of their own).
  virtual Vector init(ConstVec mean, double scale) const = 0;
  /// lambda at several normals, such as the modes of a density: a mixture spreads its components over them
  /// and takes their weights, any other family is at the first. With one normal, init() moved there. Maps are
  /// diagonal unless the family is dense().
  virtual Vector init_at(const std::vector<Affine>& normals, ConstVec weights) const;
  /// Sets theta = T(noise; lambda): independent draws of q from independent noise.
  virtual void transform(ConstVec lambda, ConstMat noise, Mat theta) const = 0;
  /// Adds (dT/dlambda)' grad_theta, summed over draws, their components held.
  virtual void pull_back(ConstVec lambda, ConstMat noise, ConstMat grad_theta, Vec grad_lambda) const = 0;
  virtual Index num_components() const { return 1; }
  virtual Vector weights(ConstVec lambda) const;  ///< of the components, 1 in all
  /// Adds the gradient of grad_weights' weights(lambda).
  virtual void pull_back_weights(ConstVec lambda, ConstVec grad_weights, Vec grad_lambda) const;
  /// T_k, and its pull-back.
  virtual void transform_component(Index k, ConstVec lambda, ConstMat noise, Mat theta) const;
  virtual void pull_back_component(Index k, ConstVec lambda, ConstMat noise, ConstMat grad_theta,
                                   Vec grad_lambda) const;

  /// Terms of which the mean is -E_q log q [nats]: a single one where that is closed; elsewhere one for each
  /// column of noise, and their mean is an estimate. Adds the gradient of the mean (pass an empty one to skip
  /// it). -infinity, and no gradient, where lambda is too extreme for it to be computed.
  virtual Vector entropy(ConstVec lambda, ConstMat noise, Vec grad_lambda) const = 0;
  /// Sets value[s] = log q(theta_s) [nats] and adds its gradient in theta (pass 0 columns to skip it). Where
  /// the density cannot be computed (theta or lambda too extreme), value is -infinity and no gradient added.
  virtual void log_density(ConstVec lambda, ConstMat theta, Vec value, Mat grad_theta) const = 0;

  /// Where they have no closed form (flow, coupling): over 4,096 fixed draws in antithetic pairs.
  virtual Vector mean(ConstVec lambda) const = 0;
  virtual Vector standard_deviation(ConstVec lambda) const = 0;
  /// The coordinate of theta in whose units lambda(i) is a location; -1 if it is none.
  virtual Index location(Index i) const { return i < size() ? i : -1; }
  /// Whether every T_k is affine in the noise: each component is then normal.
  virtual bool affine() const { return true; }
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
/// Normals of a kind ("full_rank" or "mean_field") with weights of their own. lambda = logits of the weights,
/// then each component's lambda; noise = the component's, then the coordinate that chooses it.
std::unique_ptr<Family> mixture(Index d, Index components, const std::string& component);
/// A full_rank normal whose standard normal noise is first bent, coordinate after coordinate (the
/// autoregressive sinh-arcsinh conditionals of Flow, m = 0, in natural order). lambda = full_rank's, skew
/// (d), log tail (d), then for i = 1 .. d - 1 the coefficients of v_0 .. v_{i-1} in l_i: d (d + 3) numbers.
std::unique_ptr<Family> flow(Index d);
/// A mean_field normal whose noise first passes four affine coupling layers (Dinh, Sohl-Dickstein and Bengio
/// 2017): two ways to halve the coordinates, each half moved given the other, by `units` features that are
/// linear in it and their tanh. Log scales stay within 2. About 8 d units numbers; the normal itself at
/// d = 1.
std::unique_ptr<Family> coupling(Index d, Index units);
/// The map that makes a normal q of standard normal noise: lambda is mean_field's (2 d numbers) or
/// full_rank's (d (d + 3) / 2).
Affine normal_map(ConstVec lambda, Index d);
/// The other way round: lambda of mean_field for a diagonal map, else of full_rank (whose diagonal is
/// positive).
Vector normal_lambda(const Affine& map);
/// Which of the two families a lambda is of.
std::string normal_family(ConstVec lambda, Index d);

struct FamilyOptions {
  std::string type = "full_rank";  ///< the name of a function above
  Index rank = 5;                  ///< of low_rank's factor; units of coupling; one above d is taken as d
  Index components = 3;            ///< of mixture
  std::string component = "full_rank";  ///< of mixture: their type
  bool operator==(const FamilyOptions&) const = default;
};

/// What is known of a kind of family that a configuration can name.
struct FamilyKind {
  std::string name;
  bool takes_rank, takes_components;  ///< of FamilyOptions
  std::unique_ptr<Family> (*make)(const FamilyOptions& options, Index d);
};
/// All of them: the one list from which choices, their errors and the tests of what every family must do
/// come.
const std::vector<FamilyKind>& family_kinds();
/// Throws Fault::config on a name that there is not.
const FamilyKind& family_kind(const std::string& name);

/// Throws Fault::config on an unknown type or a number below 1.
std::unique_ptr<Family> make_family(const FamilyOptions& options, Index d);
/// The same, by the type and what most of them need.
std::unique_ptr<Family> make_family(const std::string& type, Index d, Index rank);

}  // namespace vfe
