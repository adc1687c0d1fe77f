#pragma once
#include <limits>
#include <vector>

#include "vfe/core/random.hpp"
#include "vfe/family/affine.hpp"

namespace vfe {

/// An autoregressive flow of sinh-arcsinh maps (Jones and Pewsey 2009). In whitened coordinates, taken in
/// some order, with u_< those before the i-th:
///
///   u_i = m_i(u_<) + exp(l_i(u_<)) sinh((asinh(z_i) + skew_i) / exp(log_tail_i))
///
/// The z_i are independent Student t with nu degrees of freedom; theta = base(u). l_i is linear, m_i linear
/// or quadratic, with products of the first `squared` coordinates alone: a hierarchy's scales, say, bend what
/// they scale, and as many products as there are pairs would drown in noise. So that nothing blows up far
/// from where it was fitted, what l and the squares see of u is kept within `reach`, what the linear part of
/// m sees within 1,000, l within 6, skew within 5, log_tail within 1.5 (tails from those of nu e^-1.5 to
/// those of nu e^1.5 degrees of freedom): draws and densities are finite whatever finite parameters are
/// given. All functions treat columns (draws) alike and independently.
class Flow {
 public:
  /// How u_i depends on those before it.
  struct Conditional {
    bool quadratic = false;
    /// Coefficients of m: of 1, then for k = 0 .. i - 1: of u_k and, if quadratic and k < squared, of u_j u_k
    /// - [j = k] for j = 0 .. k.
    Vector mean;
    Vector log_scale;  ///< coefficients of l: of 1, u_0 .. u_{i-1}
    double skew = 0.0, log_tail = 0.0;
  };
  static constexpr Index all = std::numeric_limits<Index>::max();
  static constexpr double usual_reach = 3.0, largest_linear_feature = 1e3, largest_log_scale = 6.0,
                          largest_skew = 5.0, largest_log_tail = 1.5;

  /// `order` lists the coordinates of u in the order of the conditionals. Throws Fault::bug if sizes do not
  /// agree, nu is below 1 or reach is not within (0, 1,000], Fault::numeric if a number is not finite.
  Flow(Affine base, std::vector<Index> order, std::vector<Conditional> conditionals, double nu,
       double reach = usual_reach, Index squared = all);
  /// The t with independent whitened coordinates, in their natural order: all coefficients 0.
  static Flow identity(const Affine& base, double nu);
  static Index num_mean_coefficients(Index i, bool quadratic, Index squared = all);

  Index size() const { return base_.size(); }  ///< d
  const Affine& base() const { return base_; }
  const std::vector<Index>& order() const { return order_; }
  const std::vector<Conditional>& conditionals() const { return conditionals_; }
  double nu() const { return nu_; }
  double reach() const { return reach_; }
  Index squared() const { return squared_; }  ///< of the first coordinates, at most d

  /// Noise z (d x S, in the order of the conditionals) to theta.
  Matrix transform(ConstMat noise) const;
  /// theta to noise.
  Matrix inverse(ConstMat theta) const;
  /// log |det dtheta/dz| at the noise [nats].
  Vector log_det(ConstMat noise) const;
  /// The same; adds J' grad_theta + d log |det J| / dz to grad_noise (all d x S): so log densities, log
  /// |det J| included, move with their gradients into the coordinates of the noise.
  Vector log_det(ConstMat noise, ConstMat grad_theta, Mat grad_noise) const;
  /// log q(theta) [nats]; -infinity where theta is not finite.
  Vector log_density(ConstMat theta) const;
  /// d x count draws, each from the coordinates 0 .. 2d - 1 of `at` with draw = at.draw + s.
  Matrix draw(const Address& at, Index count) const;

 private:
  Matrix noise_at(const Address& at, Index count) const;

  Affine base_;
  std::vector<Index> order_;
  std::vector<Conditional> conditionals_;
  double nu_, reach_;
  Index squared_;
};

}  // namespace vfe
